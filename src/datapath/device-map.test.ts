import { expect, test } from 'vitest';
import { deviceEntry, otherDevices } from './device-map.ts';

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

test('a device with all that is known of it, byte by byte', () => {
	const { key, value } = deviceEntry({
		index: 0x01020304,
		address: Uint8Array.of(2, 0, 0, 0, 1, 2),
		xdp: true,
		egress: false,
		unfinished: true,
		ipv4: Uint8Array.of(10, 11, 1, 2),
		ipv6: Uint8Array.of(0xfc, ...new Array<number>(14).fill(0), 2),
	});
	expect(hexadecimal(key)).toBe('04030201');
	expect(hexadecimal(value)).toBe(`020000000102${'05'}00${'0a0b0102'}${'fc000000000000000000000000000002'}`);
});

test.each([
	[false, false, '00'],
	[true, false, '01'],
	[false, true, '02'],
	[true, true, '03'],
])('XDP %s, egress %s: flags %s', (xdp, egress, flags) => {
	const { key, value } = deviceEntry({ index: otherDevices, xdp, egress });
	expect(hexadecimal(key)).toBe('00000000');
	expect(hexadecimal(value)).toBe(`${'00'.repeat(6)}${flags}${'00'.repeat(21)}`);
});
