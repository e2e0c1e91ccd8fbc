import { expect, test } from 'vitest';
import { concatenate, hexadecimal, requireInput, requireLength, viewOf } from './bytes.ts';

test('a view is of the part, not of the buffer behind it', () => {
	const part = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
	expect(viewOf(part).byteLength).toBe(2);
	expect(viewOf(part).getUint16(0)).toBe(0x0203);
});

test('concatenation copies', () => {
	const part = Uint8Array.of(1);
	const whole = concatenate([part, new Uint8Array(), Uint8Array.of(2, 3)]);
	part[0] = 9;
	expect([...whole]).toEqual([1, 2, 3]);
});

test('hexadecimal has at least so many digits', () => {
	expect([hexadecimal(10, 4), hexadecimal(0x12345, 4)]).toEqual(['0x000a', '0x12345']);
});

test('wrong input has a stable code', () => {
	expect(() => requireInput(false, 'no: say yes')).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
	expect(() => requireLength('It', new Uint8Array(3), 4)).toThrow('It has 3 bytes: give 4');
	expect(() => requireLength('It', new Uint8Array(4), 4)).not.toThrow();
});
