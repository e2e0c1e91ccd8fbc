/** The global variables of a program: the sections of data, in the model's memory. */
import { EncapForwardError } from '../../../error.ts';
import type { Section } from './elf.ts';
import { type BpfMemory, permission } from './memory.ts';
import { isData, isReadOnly, type ObjectFile } from './object.ts';

type Value = number | boolean;

/** Bytes that the sections take. */
export function variableBytes({ elf }: ObjectFile): number {
	return elf.sections.filter(isData).reduce((sum, { size }) => sum + size + 16, 0);
}

export class Variables {
	readonly #object: ObjectFile;
	readonly #memory: BpfMemory;
	/** By the number of the section: its address, and its bytes with the constants set. */
	readonly #sections = new Map<number, { readonly address: number; readonly initial: Uint8Array }>();

	/** @throws EF_INPUT for a variable that there is not */
	constructor(object: ObjectFile, memory: BpfMemory, constants: Readonly<Record<string, Value>>) {
		this.#object = object;
		this.#memory = memory;
		object.elf.sections.forEach((section: Section, number) => {
			if (!isData(section) || section.size === 0) return;
			const address = memory.allocate(section.size);
			memory.bytes.set(section.bytes, address);
			memory.permit(address, section.size, isReadOnly(section) ? permission.read : permission.both);
			this.#sections.set(number, { address, initial: new Uint8Array() });
		});
		for (const [name, value] of Object.entries(constants)) this.#write(name, value);
		for (const [number, { address }] of this.#sections) {
			const { size } = object.elf.sections[number] ?? { size: 0 };
			this.#sections.set(number, { address, initial: memory.copy(address, size) });
		}
	}

	address(section: number): number | undefined {
		return this.#sections.get(section)?.address;
	}

	/** @throws EF_INPUT for a variable that there is not, or a constant */
	set(name: string, value: Value): void {
		const variable = this.#object.variables.get(name);
		const section = this.#object.elf.sections[variable?.section ?? 0];
		if (section !== undefined && isReadOnly(section)) {
			throw new EncapForwardError(
				'EF_INPUT',
				`${name} is a constant of the BPF program; set it when the program is loaded`,
			);
		}
		this.#write(name, value);
	}

	#write(name: string, value: Value): void {
		const variable = this.#object.variables.get(name);
		const section = this.#sections.get(variable?.section ?? -1);
		if (variable === undefined || section === undefined) {
			const names = [...this.#object.variables.keys()].join(', ');
			throw new EncapForwardError(
				'EF_INPUT',
				`the BPF program has no variable ${name}; it has: ${names === '' ? 'none' : names}`,
			);
		}
		const at = section.address + variable.offset;
		const { view } = this.#memory;
		if (variable.size === 1) view.setUint8(at, Number(value));
		else if (variable.size === 2) view.setUint16(at, Number(value), true);
		else if (variable.size === 4) view.setUint32(at, Number(value), true);
		else if (variable.size === 8) view.setBigInt64(at, BigInt(value), true);
		else {
			throw new EncapForwardError('EF_INPUT', `${name} has ${variable.size} bytes: it is no number`);
		}
	}

	reset(): void {
		for (const { address, initial } of this.#sections.values()) this.#memory.bytes.set(initial, address);
	}
}
