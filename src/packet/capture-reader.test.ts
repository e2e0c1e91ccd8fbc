import { expect, test } from 'vitest';
import { concatenate } from './bytes.ts';
import { captureFrames } from './capture-reader.ts';
import { enhancedPacketBlock, interfaceDescriptionBlock, pcapng, sectionHeaderBlock } from './pcapng.ts';

const frames = [Uint8Array.of(1, 2, 3), new Uint8Array(60).fill(7), Uint8Array.of(9)];

function packets(bytes: readonly Uint8Array[]) {
	return bytes.map((each) => ({ interface: 0, timestamp: 1n, bytes: each, length: each.length + 10 }));
}

const whole = pcapng({ application: 'test', interfaces: [{ name: 'eth0' }], packets: packets(frames) });

/** A classic capture of these frames. */
function pcap(little: boolean, magic: number, linkType = 1): Uint8Array {
	const parts: Uint8Array[] = [];
	const words = (...values: readonly number[]): void => {
		const bytes = new Uint8Array(values.length * 4);
		const view = new DataView(bytes.buffer);
		for (const [index, value] of values.entries()) view.setUint32(index * 4, value, little);
		parts.push(bytes);
	};
	words(magic, little ? 0x00040002 : 0x00020004, 0, 0, 65535, linkType);
	for (const frame of frames) {
		words(5, 6, frame.length, frame.length + 10);
		parts.push(frame);
	}
	return concatenate(parts);
}

test.each([
	['pcapng', whole],
	['pcap, little endian', pcap(true, 0xa1b2c3d4)],
	['pcap, big endian', pcap(false, 0xa1b2c3d4)],
	['pcap, nanoseconds', pcap(true, 0xa1b23c4d)],
	['pcap, nanoseconds, big endian', pcap(false, 0xa1b23c4d)],
])('%s', (_, file) => {
	expect([...captureFrames(file)]).toEqual(
		frames.map((bytes) => ({ linkType: 1, bytes, length: bytes.length + 10 })),
	);
});

test('a simple packet block is cut at the snapshot length', () => {
	const block = new Uint8Array(24);
	const view = new DataView(block.buffer);
	for (const [index, value] of [3, 24, 100].entries()) view.setUint32(index * 4, value, true);
	block.set([1, 2, 3, 4, 5, 6, 7, 8], 12);
	view.setUint32(20, 24, true);
	const file = concatenate([
		sectionHeaderBlock({ application: 'x' }),
		interfaceDescriptionBlock({ name: 'a' }, 8),
		block,
	]);
	expect([...captureFrames(file)].map(({ bytes, length }) => [bytes.length, length])).toEqual([[8, 100]]);
});

test('a second section has interfaces of its own', () => {
	const file = concatenate([whole, whole]);
	expect([...captureFrames(file)]).toHaveLength(6);
});

test.each([
	['an empty file', new Uint8Array(), 'is no capture'],
	['text', new TextEncoder().encode('{"version": 1}'), 'is no capture'],
	['an ELF file', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1), 'is no capture'],
	['a header cut off', pcap(true, 0xa1b2c3d4).subarray(0, 20), 'cut off: what begins at byte 0'],
	['a record cut off', pcap(true, 0xa1b2c3d4).subarray(0, -1), 'cut off'],
	['a block cut off', whole.subarray(0, -1), 'cut off'],
	[
		'a packet of no interface',
		concatenate([
			sectionHeaderBlock({ application: 'x' }),
			enhancedPacketBlock({ interface: 0, timestamp: 0n, bytes: Uint8Array.of(1) }),
		]),
		'an interface it does not describe',
	],
])('%s is refused', (_, file, words) => {
	expect(() => [...captureFrames(file)]).toThrow(words);
});

test('every truncation of a capture ends in whole frames or in a refusal', () => {
	for (let length = 0; length < whole.length; length++) {
		const found: number[] = [];
		try {
			for (const { bytes } of captureFrames(whole.subarray(0, length))) found.push(bytes.length);
		} catch (error) {
			expect(error).toMatchObject({ code: 'EF_PACKET' });
		}
		expect(found).toEqual(frames.slice(0, found.length).map((frame) => frame.length));
	}
});
