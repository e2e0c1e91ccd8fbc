/** The instruction tests of the public bpf_conformance suite (MIT), in every way of translating. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { builds, runBare } from '../../support/bpf-code.ts';

/** Not of this repository: one JSON object a line. */
const file =
	process.env.ENCAP_FORWARD_CONFORMANCE ??
	fileURLToPath(new URL('../../../../shared/conformance/bpf_conformance.jsonl', import.meta.url));

interface Vector {
	readonly name: string;
	/** Instructions, input memory and expected r0, in hexadecimal. */
	readonly code: string;
	readonly mem: string;
	readonly ret: string;
}

const present = existsSync(file);
const vectors: readonly Vector[] = present
	? readFileSync(file, 'utf8')
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line) as Vector)
	: [];
const options = present
	? {}
	: { skip: true, meta: { missing: `needs ${file} (or its path in ENCAP_FORWARD_CONFORMANCE)` } };

describe.each(builds)('$build, dispatch $dispatch', options, ({ build, dispatch }) => {
	test('there are 313', options, () => {
		expect(vectors.length).toBe(313);
	});

	test.for(vectors)('$name', options, ({ code, mem, ret }) => {
		const input = Uint8Array.from(Buffer.from(mem, 'hex'));
		const { result } = runBare(Buffer.from(code, 'hex'), { build, dispatch, input });
		expect(result).toBe(BigInt(`0x${ret}`));
	});
});
