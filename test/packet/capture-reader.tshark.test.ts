/** The reader of captures reads what tshark writes, in every format of the kind, and refuses the others. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { captureFrames } from '../../src/packet/capture-reader.ts';
import { pcapng } from '../../src/packet/pcapng.ts';
import { requires } from '../needs.ts';
import { ipFrame } from '../support/journeys.ts';

const frames = [
	ipFrame('192.0.2.1', '192.0.2.2', new Uint8Array(100).fill(7)),
	ipFrame('2001:db8::1', '2001:db8::2', new Uint8Array(33)),
	Uint8Array.of(1, 2, 3),
];

/** The frames written by tshark as this format, cut at so many bytes. */
function written(format: string, cutAt = 0): Uint8Array {
	const folder = mkdtempSync(join(tmpdir(), 'capture-'));
	try {
		const [from, to] = [join(folder, 'from.pcapng'), join(folder, 'to')];
		const packets = frames.map((bytes, index) => ({ interface: 0, timestamp: BigInt(index), bytes }));
		writeFileSync(from, pcapng({ application: 'test', interfaces: [{ name: 'eth0' }], packets }));
		const cut = cutAt === 0 ? [] : ['-s', String(cutAt)];
		execFileSync('editcap', ['-F', format, ...cut, from, to], { stdio: 'pipe' });
		return readFileSync(to);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

test.each(['pcap', 'nsecpcap', 'pcapng'])('%s', requires('editcap'), (format) => {
	const found = [...captureFrames(written(format))];
	expect(found.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
		frames.map((frame) => Buffer.from(frame).toString('hex')),
	);
	expect(found.map(({ length }) => length)).toEqual(frames.map(({ length }) => length));
	expect(new Set(found.map(({ linkType }) => linkType))).toEqual(new Set([1]));
});

test.each(['pcap', 'pcapng'])('%s with frames cut off', requires('editcap'), (format) => {
	const found = [...captureFrames(written(format, 50))];
	expect(found.map(({ bytes, length }) => [bytes.length, length])).toEqual(
		frames.map(({ length }) => [Math.min(50, length), length]),
	);
});

test.each(['modpcap', 'netmon2', 'snoop', 'btsnoop'])('%s is refused', requires('editcap'), (format) => {
	let file: Uint8Array;
	try {
		file = written(format);
	} catch {
		return; // It cannot hold Ethernet.
	}
	expect(() => [...captureFrames(file)]).toThrow('is no capture');
});
