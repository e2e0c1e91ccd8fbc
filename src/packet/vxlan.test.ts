import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, vxlanHeader } from '../../test/packet/arbitraries.ts';
import { decodeVxlan, encodeVxlan } from './vxlan.ts';

const payload = Uint8Array.of(0xff);

test('the bytes', () => {
	expect(Buffer.from(encodeVxlan({ vni: 0x123456 }, payload)).toString('hex')).toBe('0800000012345600ff');
	expect(Buffer.from(encodeVxlan({ vni: 0xffffff, flags: 0x88 }, payload)).toString('hex')).toBe(
		'88000000ffffff00ff',
	);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(vxlanHeader, bytesUpTo(40), (header, bytes) => {
			expect(decodeVxlan(encodeVxlan(header, bytes))).toEqual({ header, payload: bytes });
		}),
	);
});

test('what is truncated is undefined, any eight bytes are a header', () => {
	for (let length = 0; length < 8; length++)
		expect(decodeVxlan(new Uint8Array(length).fill(0xff))).toBeUndefined();
	const any = bytesUpTo(60).filter(({ length }) => length >= 8);
	fc.assert(
		fc.property(any, (bytes) => {
			expect(decodeVxlan(bytes)?.payload).toEqual(bytes.subarray(8));
		}),
	);
});

test('what does not fit is refused', () => {
	for (const vni of [-1, 1.5, 2 ** 24]) expect(() => encodeVxlan({ vni }, payload)).toThrow('0 to 16777215');
});
