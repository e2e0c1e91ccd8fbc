/** Random calls of helpers in the kernel's BPF_PROG_TEST_RUN and in the model: results, context and frame agree. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BpfEnvironment } from '../../../src/engines/model/bpf/environment.ts';
import { instantiate } from '../../../src/engines/model/bpf/instantiate.ts';
import { Machine } from '../../../src/engines/model/bpf/machine.ts';
import { createMap } from '../../../src/engines/model/bpf/maps/create.ts';
import { BpfMemory } from '../../../src/engines/model/bpf/memory.ts';
import { run } from '../../../src/engines/model/bpf/run.ts';
import { EncapForwardError } from '../../../src/error.ts';
import {
	anonymousNamespace,
	closeNamespace,
	inNamespace,
	type Namespace,
} from '../../../src/kernel/namespace.ts';
import { concatenate } from '../../../src/packet/bytes.ts';
import { requires } from '../../needs.ts';
import { bareCode } from '../../support/bpf-code.ts';
import { anyCalls, callsMapLoad, recordsBytes } from '../../support/helper-calls.ts';
import { type KernelCode, kernelCode, kernelMap } from '../../support/kernel-code.ts';

const key = new Uint8Array(4);

/** The loopback device of the namespace. */
const environment: BpfEnvironment = {
	fibLookup: () => ({ result: 'no-device' }),
	device: (ifindex) => (ifindex === 1 ? { mtu: 65_536, up: false } : undefined),
	now: () => 1n,
	jiffies: () => 1,
	random: () => 4,
};

const addresses = Uint8Array.of(2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1);
const anyFrame: fc.Arbitrary<Uint8Array> = fc
	.record({
		type: fc.constantFrom(
			[0x08, 0x00],
			[0x86, 0xdd],
			[0x08, 0x06],
			[0x81, 0x00, 0x00, 0x07, 0x08, 0x00],
			[0x88, 0xa8, 1, 2, 0x81, 0, 3, 4, 8, 0],
		),
		payload: fc.uint8Array({ minLength: 46, maxLength: 180 }),
	})
	.map(({ type, payload }) => concatenate([addresses, Uint8Array.from(type), payload]));

interface Result {
	readonly records: string;
	readonly frame: string;
}

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

function inModel(hook: 'xdp' | 'tc', code: Uint8Array, frame: Uint8Array, build: 'checked' | 'fast'): Result {
	const machine = new Machine(new BpfMemory(8192));
	const map = createMap(
		{ name: 'records', kind: 'array', keyBytes: 4, valueBytes: recordsBytes, entries: 1 },
		machine.memory,
	);
	const references = new Map([[callsMapLoad, { kind: 'map', handle: machine.add(map) } as const]]);
	const options = { build, fuel: 1000, hook, name: 'test' };
	const instance = instantiate(bareCode(code, references), machine, options);
	// To a station that the loopback device is not: PACKET_OTHERHOST.
	const context = hook === 'tc' ? { ingressDevice: 0, device: 1, packetType: 3 } : { ingressDevice: 1 };
	const result = run(machine, instance, hook, build, { frame, context, environment });
	return { records: hexadecimal(map.lookup(key) ?? key), frame: hexadecimal(result.frame) };
}

/** Nothing where it has grown too much to be returned. */
function frameLeft(kernel: KernelCode, frame: Uint8Array): { frame?: string } {
	try {
		const { data, returnValue } = kernel.run({ data: frame });
		expect(returnValue).toBe(1);
		return { frame: hexadecimal(data) };
	} catch (error) {
		if (error instanceof EncapForwardError && error.message.includes('ENOSPC')) return {};
		throw error;
	}
}

describe.each(['xdp', 'tc'] as const)('at %s', requires('root'), (hook) => {
	let namespace: Namespace;
	beforeAll(() => {
		namespace = anonymousNamespace();
	});
	afterAll(() => closeNamespace(namespace));

	test('random calls', requires('root'), () => {
		const map = kernelMap(recordsBytes);
		try {
			fc.assert(
				fc.property(anyCalls(hook), anyFrame, ({ code }, frame) => {
					const bytes = code(map.fd);
					const kernel = kernelCode(hook, bytes);
					try {
						map.write(new Uint8Array(recordsBytes));
						const left = inNamespace(namespace, () => frameLeft(kernel, frame));
						const expected = { records: hexadecimal(map.read()), ...left };
						expect(inModel(hook, bytes, frame, 'checked')).toMatchObject(expected);
						expect(inModel(hook, bytes, frame, 'fast')).toMatchObject(expected);
					} finally {
						kernel.close();
					}
				}),
				{ numRuns: 400 },
			);
		} finally {
			map.close();
		}
	});
});
