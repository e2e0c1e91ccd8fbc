/** Legacy packet access instructions (RFC 9669, section 5.5.3) at TC, in the kernel and in the model. */
import { expect, test } from 'vitest';
import { instantiate } from '../../../src/engines/model/bpf/instantiate.ts';
import { Machine } from '../../../src/engines/model/bpf/machine.ts';
import { BpfMemory } from '../../../src/engines/model/bpf/memory.ts';
import { run } from '../../../src/engines/model/bpf/run.ts';
import { requires } from '../../needs.ts';
import { exit, instruction, move, moveImmediate, program } from '../../support/assembler.ts';
import { bareCode, builds } from '../../support/bpf-code.ts';
import { kernelCode } from '../../support/kernel-code.ts';

const frame = Uint8Array.from({ length: 60 }, (_, index) => [8, 0][index - 12] ?? 0x80 + index);

const sizes = { word: 0x00, half: 0x08, byte: 0x10 } as const;
/** From the network header, SKF_NET_OFF, and from the Ethernet header, SKF_LL_OFF. */
const offsets = [
	0,
	1,
	12,
	13,
	56,
	57,
	58,
	59,
	60,
	1000,
	-0x100000,
	-0x100000 + 4,
	-0x200000,
	-0x200000 + 5,
	-1,
];

/** Add the loaded number to 1, so that 0 says that the program ended early. */
function codeOf(size: number, offset: number, indirect: boolean): Uint8Array {
	const load = indirect
		? program(moveImmediate(7, offset), instruction(0x40 | size, 0, 7, 0, 0))
		: instruction(0x20 | size, 0, 0, 0, offset);
	return program(move(6, 1), moveImmediate(0, 0), load, instruction(0x04, 0, 0, 0, 1), exit);
}

const cases = Object.entries(sizes).flatMap(([name, size]) =>
	offsets.flatMap((offset) => [false, true].map((indirect) => ({ name, size, offset, indirect }))),
);

test.for(cases)('$name at $offset, indirect $indirect', requires('root'), ({ size, offset, indirect }) => {
	const code = codeOf(size, offset, indirect);
	const kernel = kernelCode('tc', code);
	try {
		const expected = kernel.run({ data: frame }).returnValue;
		for (const { build, dispatch } of builds) {
			const machine = new Machine(new BpfMemory(64));
			const options = { build, dispatch, fuel: 10, hook: 'tc', name: 'test' } as const;
			const instance = instantiate(bareCode(code), machine, options);
			const environment = {
				fibLookup: () => ({ result: 'no-device' as const }),
				device: () => undefined,
				now: () => 1n,
				jiffies: () => 1,
				random: () => 1,
			};
			const { returnCode } = run(machine, instance, 'tc', build, {
				frame,
				context: { ingressDevice: 1 },
				environment,
			});
			expect(returnCode >>> 0).toBe(expected);
		}
	} finally {
		kernel.close();
	}
});
