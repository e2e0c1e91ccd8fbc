/** BPF instructions for tests, one function for each form: RFC 9669. */

/** Eight bytes each. */
export function instruction(
	opcode: number,
	destination = 0,
	source = 0,
	offset = 0,
	immediate = 0,
): Uint8Array {
	const view = new DataView(new ArrayBuffer(8));
	view.setUint8(0, opcode);
	view.setUint8(1, (source << 4) | destination);
	view.setInt16(2, offset, true);
	view.setInt32(4, immediate, true);
	return new Uint8Array(view.buffer);
}

export function program(...instructions: readonly Uint8Array[]): Uint8Array {
	return Buffer.concat(instructions);
}

const sizes = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 } as const;
export type Size = keyof typeof sizes;

export const moveImmediate = (to: number, value: number): Uint8Array => instruction(0xb7, to, 0, 0, value);
export const move = (to: number, from: number): Uint8Array => instruction(0xbf, to, from);
export const addImmediate = (to: number, value: number): Uint8Array => instruction(0x07, to, 0, 0, value);
export const add = (to: number, from: number): Uint8Array => instruction(0x0f, to, from);
export const exit: Uint8Array = instruction(0x95);
export const call = (helper: number): Uint8Array => instruction(0x85, 0, 0, 0, helper);
/** Of a function of the program's own, so many instructions behind the next. */
export const callLocal = (distance: number): Uint8Array => instruction(0x85, 0, 1, 0, distance);
export const jump = (distance: number): Uint8Array => instruction(0x05, 0, 0, distance);
export const jumpLong = (distance: number): Uint8Array => instruction(0x06, 0, 0, 0, distance);

export function load(bytes: Size, to: number, from: number, offset: number): Uint8Array {
	return instruction(0x61 | sizes[bytes], to, from, offset);
}

export function loadSigned(bytes: 1 | 2 | 4, to: number, from: number, offset: number): Uint8Array {
	return instruction(0x81 | sizes[bytes], to, from, offset);
}

export function store(bytes: Size, to: number, offset: number, from: number): Uint8Array {
	return instruction(0x63 | sizes[bytes], to, from, offset);
}

export function storeImmediate(bytes: Size, to: number, offset: number, value: number): Uint8Array {
	return instruction(0x62 | sizes[bytes], to, 0, offset, value);
}

/** An atomic operation of 4 or 8 bytes, such as 0x01 for fetch-and-add. */
export function atomic(
	bytes: 4 | 8,
	to: number,
	offset: number,
	from: number,
	operation: number,
): Uint8Array {
	return instruction(0xc3 | sizes[bytes], to, from, offset, operation);
}

/** A number of 64 bits; with `kind` 1, a map by its descriptor. */
export function loadWide(to: number, value: bigint, kind = 0): Uint8Array {
	const upper = Number(BigInt.asIntN(32, value >> 32n));
	return program(
		instruction(0x18, to, kind, 0, Number(BigInt.asIntN(32, value))),
		instruction(0, 0, 0, 0, upper),
	);
}
