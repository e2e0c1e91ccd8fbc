/** Small helpers for byte arrays that every protocol file shares. */
import { EncapForwardError } from '../error.ts';

/** A view of exactly these bytes. Its default is big endian: network byte order. */
export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** All parts, one after the other, in a new array. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
	let offset = 0;
	for (const part of parts) {
		whole.set(part, offset);
		offset += part.length;
	}
	return whole;
}

/** A number as `0x` and at least so many hexadecimal digits. */
export function hexadecimal(value: number, digits: number): string {
	return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** Throws EF_INPUT with this message unless an encoder's input is as its header needs it. */
export function requireInput(holds: boolean, message: string): void {
	if (!holds) throw new EncapForwardError('EF_INPUT', message);
}

/** Throws EF_INPUT unless an encoder's input has the length of its header field. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
	requireInput(bytes.length === length, `${what} has ${bytes.length} bytes: give ${length}`);
}

/** What an encoder takes: some members of the header must be given, the others have a default. */
export type Defaulted<Header, Given extends keyof Header> = Pick<Header, Given> & Partial<Header>;
