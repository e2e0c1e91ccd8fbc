import { expect, test } from 'vitest';
import { enhancedPacketBlock, interfaceDescriptionBlock, pcapng, sectionHeaderBlock } from './pcapng.ts';

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

test('a section header block, as bytes', () => {
	expect(hexadecimal(sectionHeaderBlock({ application: 'abcde', os: 'Linux' }))).toBe(
		[
			...['0a0d0d0a', '38000000', '4d3c2b1a', '01000000', 'ffffffffffffffff'],
			...['03000500', '4c696e7578000000', '04000500', '6162636465000000', '00000000', '38000000'],
		].join(''),
	);
});

test('an interface description block, as bytes', () => {
	expect(hexadecimal(interfaceDescriptionBlock({ name: 'veth' }, 0x40000))).toBe(
		[
			...['01000000', '28000000', '01000000', '00000400'],
			...['02000400', '76657468', '09000100', '09000000', '00000000', '28000000'],
		].join(''),
	);
});

test('an enhanced packet block, as bytes', () => {
	const block = enhancedPacketBlock({
		interface: 1,
		timestamp: 0x0102030405060708n,
		bytes: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd, 0xee),
		length: 100,
		comment: 'no',
		direction: 'outbound',
		verdict: { hook: 'tc', action: -1 },
	});
	expect(hexadecimal(block)).toBe(
		[
			...['06000000', '4c000000', '01000000', '04030201', '08070605', '05000000', '64000000'],
			...['aabbccddee000000', '01000200', '6e6f0000', '02000400', '02000000'],
			...['07000900', '01ffffffffffffffff000000', '00000000', '4c000000'],
		].join(''),
	);
});

test('a packet without options ends after its bytes', () => {
	const block = enhancedPacketBlock({ interface: 0, timestamp: 0n, bytes: new Uint8Array(4) });
	expect(block.length).toBe(36);
});

test('a capture is its blocks, one after the other', () => {
	const packet = { interface: 0, timestamp: 1n, bytes: new Uint8Array(14) };
	const capture = pcapng({ application: 'a', interfaces: [{ name: 'b' }], packets: [packet, packet] });
	expect(hexadecimal(capture)).toBe(
		[
			sectionHeaderBlock({ application: 'a' }),
			interfaceDescriptionBlock({ name: 'b' }),
			enhancedPacketBlock(packet),
			enhancedPacketBlock(packet),
		]
			.map(hexadecimal)
			.join(''),
	);
});

test('an interface that is not there, or a comment too long, is refused', () => {
	const packet = { interface: 1, timestamp: 0n, bytes: new Uint8Array() };
	expect(() => pcapng({ application: 'a', interfaces: [{ name: 'b' }], packets: [packet] })).toThrow(
		'interface 1',
	);
	expect(() => enhancedPacketBlock({ ...packet, comment: 'x'.repeat(65536) })).toThrow('at most 65535');
});
