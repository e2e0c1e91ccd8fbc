/** `lab --pcap` and `lab --journey --json`, with capinfos and tshark as judges of the file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { runCommand } from '../support/command.ts';

const fields = [
	...['frame.interface_name', 'frame.time_epoch', 'frame.comment', 'frame.len', 'frame.cap_len'],
	...['frame.verdict.hw', 'frame.verdict.ebpf_xdp', 'frame.verdict.ebpf_tc', 'frame.packet_flags_direction'],
	...['_ws.malformed', 'frame.protocols', 'ip.checksum.status'],
] as const;

interface JsonSighting {
	readonly place: string;
	readonly after: number;
	readonly device: string;
	readonly frame: string;
	readonly length: number;
	readonly packet: boolean;
	readonly decision?: { readonly outcome: string; readonly verdict: number };
	readonly drop?: { readonly reason: string; readonly where: string };
}

interface JsonCell {
	readonly hook: string;
	readonly outcome: string;
	readonly journey: { readonly sentAt: string; readonly sightings: readonly JsonSighting[] };
}

describe('a capture of the lab', requires('root', 'ip', 'tshark', 'capinfos'), () => {
	let folder: string;
	let file: string;
	let cells: readonly JsonCell[];
	let packets: readonly Readonly<Record<(typeof fields)[number], string>>[];

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), 'pcap-'));
		file = join(folder, 'lab.pcapng');
		const options = ['--outer', 'ipv4', '--inner', 'ipv4', '--inner', 'ipv6', '--source', 'local'];
		const run = await runCommand(['lab', ...options, '--pcap', file, '--journey', '--json']);
		expect(run).toMatchObject({ status: 0, stderr: '' });
		cells = (JSON.parse(run.stdout) as { cells: readonly JsonCell[] }).cells;
		packets = tsharkFields(readFileSync(file), fields);
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	/** Every sighting as the capture should have it, in the order of time. */
	function sightings(): (JsonSighting & { readonly time: bigint })[] {
		return cells
			.flatMap(({ journey }) =>
				journey.sightings.map((sighting) => ({
					...sighting,
					time: BigInt(journey.sentAt) + BigInt(sighting.after),
				})),
			)
			.toSorted((a, b) => Number(a.time - b.time));
	}

	test('the file alone is written, and capinfos reads it: nanoseconds, four interfaces, who wrote it', () => {
		expect(readdirSync(folder)).toEqual(['lab.pcapng']);
		const text = execFileSync('capinfos', ['-M', file], { encoding: 'utf8' });
		expect(text).toMatch(/File type: .*pcapng/);
		expect(text).toMatch(/Number of interfaces in file: +4/);
		expect(text).toMatch(/nanoseconds \(9\)/);
		expect(text).toMatch(/Capture application: +encap-forward \d/);
		expect(text).toMatch(new RegExp(`Number of packets: +${sightings().length}\\b`));
		expect(text).toMatch(/Strict time order: +True/);
	});

	test('every frame has its device, time to the nanosecond, length and direction', () => {
		const read = packets.map((packet) => ({
			device: packet['frame.interface_name'],
			time: BigInt(packet['frame.time_epoch'].replace('.', '')),
			length: Number(packet['frame.len']),
			captured: Number(packet['frame.cap_len']),
		}));
		expect(read).toEqual(
			sightings().map(({ device, time, length, frame }) => ({
				device,
				time,
				length,
				captured: frame.length / 2,
			})),
		);
		expect(new Set(read.map(({ device }) => device))).toEqual(new Set(['host0', 'host1', 'veth0', 'veth1']));
		const outbound = sightings().map(({ place }) => place === 'sent' || place === 'transmit');
		expect(packets.map((packet) => Number(packet['frame.packet_flags_direction']) === 2)).toEqual(outbound);
	});

	test('every frame can be dissected to its end', () => {
		for (const packet of packets) {
			expect(packet['_ws.malformed']).toBe('');
			expect(packet['frame.protocols']).toMatch(/:(icmp|icmpv6|arp)\b/);
			expect(packet['ip.checksum.status'].replace(/[1,]/g, '')).toBe('');
		}
	});

	test('the comment says the cell and what happened, a drop with its reason', () => {
		const seen = sightings();
		for (const [index, packet] of packets.entries()) {
			const comment = packet['frame.comment'];
			expect(comment).toMatch(/^(xdp|tc), ipv[46] in ipv4, (stack|fib), source local, rp_filter=\d/);
			const { drop } = seen[index] ?? {};
			if (drop !== undefined) expect(comment).toContain(`dropped: ${drop.reason} at ${drop.where}`);
		}
		expect(packets.some((packet) => packet['frame.comment'].includes('dropped: '))).toBe(true);
	});

	test('the verdict stands where a program decided', () => {
		const seen = sightings();
		const verdicts = packets.map((packet) => [
			packet['frame.verdict.ebpf_xdp'],
			packet['frame.verdict.ebpf_tc'],
		]);
		const expected = seen.map(({ place, decision }) => [
			place === 'xdp-out' ? String(decision?.verdict) : '',
			place === 'tc-out' ? String(decision?.verdict) : '',
		]);
		const numbers = (pairs: readonly (readonly string[])[]): (number | '')[][] =>
			pairs.map((pair) => pair.map((text) => (text === '' ? '' : Number(text))));
		expect(numbers(verdicts)).toEqual(numbers(expected));
		expect(expected.flat().filter((text) => text !== '').length).toBeGreaterThan(0);
	});

	test('--journey --json: from the sender to the end, and the far end has what left', () => {
		for (const { journey, outcome } of cells) {
			const { sightings } = journey;
			expect(sightings[0]).toMatchObject({ place: 'sent', device: 'host0', after: 0, packet: true });
			const end = sightings.at(-1);
			expect(end?.place).toBe(outcome === 'forwarded' ? 'arrived' : 'drop');
			if (outcome !== 'forwarded') continue;
			expect(end?.device).toBe('host1');
			const left = sightings.findLast(({ place }) => place.endsWith('-out'));
			// But for the Ethernet header, and one hop up the stack, it arrives as it left the datapath.
			expect(end?.frame.length).toBe(left?.frame.length);
			expect(end?.frame.slice(34 * 2)).toBe(left?.frame.slice(34 * 2));
		}
	});
});
