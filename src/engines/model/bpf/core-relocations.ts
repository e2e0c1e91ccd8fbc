/** Relocations by name for the running kernel's types (CO-RE), of which a model without a kernel has none. */
import { EncapForwardError } from '../../../error.ts';
import type { ObjectFile, ProgramSymbol } from './object.ts';

/**
 * Refuse a program whose code depends on a kernel's types: struct btf_ext_header and what follows in the
 * section `.BTF.ext` (Documentation/bpf/llvm_reloc.rst).
 * @throws EF_BPF_UNSUPPORTED
 */
export function requireNoCoRe({ elf }: ObjectFile, program: ProgramSymbol): void {
	const { bytes } = elf.sections.find(({ name }) => name === '.BTF.ext') ?? { bytes: new Uint8Array() };
	const strings = elf.sections.find(({ name }) => name === '.BTF')?.bytes ?? new Uint8Array();
	if (bytes.length < 32) return;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const header = view.getUint32(4, true);
	if (header < 32) return;
	const start = header + view.getUint32(24, true);
	const end = Math.min(start + view.getUint32(28, true), bytes.length);
	if (end <= start + 4) return;
	const recordBytes = view.getUint32(start, true);
	const typeStrings = new DataView(strings.buffer, strings.byteOffset, strings.byteLength);
	const stringBase = typeStrings.getUint32(4, true) + typeStrings.getUint32(16, true);
	const used = new Set([elf.sections[program.section]?.name, '.text']);
	for (let at = start + 4; at + 8 <= end; ) {
		const nameAt = stringBase + view.getUint32(at, true);
		const name = String.fromCharCode(...strings.subarray(nameAt, strings.indexOf(0, nameAt)));
		const records = view.getUint32(at + 4, true);
		if (used.has(name) && records > 0) {
			throw new EncapForwardError(
				'EF_BPF_UNSUPPORTED',
				`the model's BPF engine does not know a kernel's types, on which section ${name} depends (CO-RE); try the linux engine`,
			);
		}
		at += 8 + records * recordBytes;
	}
}
