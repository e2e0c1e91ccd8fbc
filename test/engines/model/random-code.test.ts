/** Random programs that the kernel's verifier accepts, in the kernel and in the model: the same memory is left. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Machine } from '../../../src/engines/model/bpf/machine.ts';
import { createMap } from '../../../src/engines/model/bpf/maps/create.ts';
import { BpfMemory } from '../../../src/engines/model/bpf/memory.ts';
import { requires } from '../../needs.ts';
import { builds, runBare } from '../../support/bpf-code.ts';
import { kernelCode, kernelMap, Refusal } from '../../support/kernel-code.ts';
import { dataBytes, randomCode, valueBytes } from '../../support/random-code.ts';

const key = new Uint8Array(4);

/** The map's value as the program leaves it in the model, and r0. */
function inModel(
	code: Uint8Array,
	mapLoad: number,
	value: Uint8Array,
	options: (typeof builds)[number],
): { value: Uint8Array; result: number } {
	const machine = new Machine(new BpfMemory(4096));
	const map = createMap({ name: 'test', kind: 'array', keyBytes: 4, valueBytes, entries: 1 }, machine.memory);
	const references = new Map([[mapLoad, { kind: 'map', handle: machine.add(map) } as const]]);
	map.update(key, value);
	const { result } = runBare(code, { ...options, machine, references });
	return { value: map.lookup(key) ?? new Uint8Array(), result: Number(result & 0xffff_ffffn) };
}

test('random programs do in the model what they do in the kernel', requires('root'), () => {
	const map = kernelMap(valueBytes);
	let [accepted, refused] = [0, 0];
	try {
		fc.assert(
			fc.property(
				randomCode,
				fc.uint8Array({ minLength: dataBytes, maxLength: dataBytes }),
				({ bytes, mapLoad }, data) => {
					const value = new Uint8Array(valueBytes);
					value.set(data);
					let kernel: ReturnType<typeof kernelCode>;
					const code = bytes(map.fd);
					try {
						kernel = kernelCode('xdp', code);
					} catch (error) {
						if (!(error instanceof Refusal)) throw error;
						refused++;
						return;
					}
					accepted++;
					try {
						map.write(value);
						const { returnValue } = kernel.run({ data: new Uint8Array(64) });
						const expected = Buffer.from(map.read()).toString('hex');
						for (const build of builds) {
							const found = inModel(code, mapLoad, value, build);
							expect(Buffer.from(found.value).toString('hex')).toBe(expected);
							expect(found.result).toBe(returnValue);
						}
					} finally {
						kernel.close();
					}
				},
			),
			{ numRuns: 300 },
		);
	} finally {
		map.close();
	}
	// Some are too complex for the verifier; a generator that most are of would test nothing.
	expect(accepted).toBeGreaterThan(10 * refused);
});
