/** What we read of the running kernel's own type information, with bpftool as judge. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Btf } from '../../src/bpf/btf.ts';
import { readDropReasons } from '../../src/kernel/drop-reasons.ts';
import { requires } from '../needs.ts';

const kernelBtf = '/sys/kernel/btf/vmlinux';

interface DumpedType {
	readonly kind: string;
	readonly name: string;
	readonly values?: readonly { readonly name: string; readonly val: number }[];
}

/** bpftool writes negative numbers without their sign: `| 0` gives it back. */
function dumped(file: string): readonly DumpedType[] {
	const text = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', file], { maxBuffer: 1 << 30 });
	return (JSON.parse(text.toString()) as { types: readonly DumpedType[] }).types;
}

const running = existsSync(kernelBtf)
	? requires('bpftool')
	: { skip: true, meta: { missing: 'a kernel that publishes BTF' } };

describe("the running kernel's", running, () => {
	test('drop reasons are those that bpftool reads', () => {
		const judged = dumped(kernelBtf).find(({ kind, name }) => kind === 'ENUM' && name === 'skb_drop_reason');
		const names = new Map(
			judged?.values?.map(({ name, val }) => [val | 0, name.replace(/^SKB_(DROP_REASON_)?/, '')]),
		);
		expect(readDropReasons()).toEqual(names);
	});

	test('enums are those that bpftool reads', () => {
		const btf = new Btf(readFileSync(kernelBtf));
		const types = dumped(kernelBtf).filter(({ kind, name }) => kind === 'ENUM' && name !== '(anon)');
		const counts = new Map<string, number>();
		for (const { name } of types) counts.set(name, (counts.get(name) ?? 0) + 1);
		// Here and there along the whole of it; a name that is there twice may be meant either way.
		const sample = types.filter(({ name }, index) => counts.get(name) === 1 && index % 100 === 0);
		expect(sample.length).toBeGreaterThan(3);
		for (const { name, values = [] } of sample) {
			const judged = new Map(values.map((value) => [value.val | 0, value.name]));
			expect(btf.enumeration(name), name).toEqual(judged);
		}
	});
});
