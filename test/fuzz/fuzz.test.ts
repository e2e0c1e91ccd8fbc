/** A fixed budget of the fuzzer, from a new seed each time, and proof that its judges can find something. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { pcapng } from '../../src/packet/pcapng.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import { requires } from '../needs.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { addressBytes } from '../support/journeys.ts';
import { type FuzzResult, fuzz } from './fuzz.ts';
import { encapsulatedProblem } from './judge.ts';
import { aims } from './rig.ts';

/** Through both hooks each. */
const budget = 1_000_000;

describe('random frames', requires('root', 'ip', 'tshark'), () => {
	const seed = Number(process.env.ENCAP_FORWARD_SEED ?? 1 + Math.floor(Math.random() * 0x7fffffff));
	let result: FuzzResult;
	beforeAll(() => {
		result = fuzz({ seed, frames: budget });
	}, 900_000);
	afterAll(() => console.log(`fuzz seed ${seed}`));

	test('nothing malformed comes out, the hooks agree, each frame is counted once', () => {
		const found = result.findings.map(
			({ problem, frame }) => `seed ${seed}: ${problem}: ${Buffer.from(frame).toString('hex')}`,
		);
		expect(found).toEqual([]);
		expect(result.frames).toBe(budget);
	});

	test('frames of every sort were among them, and many got through', () => {
		const met = (outcome: string): number => result.outcomes.get(outcome) ?? 0;
		for (const outcome of [
			'forwarded',
			'malformed',
			'not-ip',
			'no-tunnel',
			'hop-limit',
			'link-local',
			'relayed',
		])
			for (const hook of ['xdp', 'tc'])
				expect(met(`${hook} ${outcome}`), outcome).toBeGreaterThan(budget / 200);
		expect(met('xdp forwarded')).toBeGreaterThan(budget / 20);
		expect(met('xdp handed-over')).toBeGreaterThan(budget / 100);
		for (const hook of ['xdp', 'tc']) expect(met(`${hook} decapsulated`)).toBeGreaterThan(budget / 10_000);
		expect(met('tc too-big-answered')).toBeGreaterThan(budget / 10_000);
	});

	test('tshark finds no fault with a sample of what left', () => {
		const packets = result.sample.map((bytes) => ({ interface: 0, timestamp: 0n, bytes }));
		expect(packets.length).toBeGreaterThan(200);
		const read = tsharkFields(pcapng({ application: 'test', interfaces: [{ name: 'x' }], packets }), [
			'ip.checksum.status',
			'frame.protocols',
		]);
		expect(read.length).toBe(packets.length);
		for (const [index, fields] of read.entries()) {
			const bytes = Buffer.from(result.sample[index] ?? []).toString('hex');
			expect(fields['frame.protocols'], bytes).toMatch(/^eth:ethertype:ipv?6?/);
			// The outer header's alone: what is inside may quote or carry anything.
			if (!fields['frame.protocols']?.startsWith('eth:ethertype:ip:')) continue;
			expect((fields['ip.checksum.status'] ?? '').split(',')[0], bytes).not.toBe('0');
		}
	});
});

describe('the judge', () => {
	const [source, destination] = [addressBytes('10.11.2.2'), addressBytes('10.11.2.1')];
	const ends = { source: addressBytes('2001:db8::1'), destination: addressBytes('2001:db8::2') };
	const inner = (hopLimit: number): Uint8Array =>
		encodeIpv6({ nextHeader: 253, hopLimit, ...ends }, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
	const macs = { destination: aims.macs[0] ?? new Uint8Array(), source: aims.macs[1] ?? new Uint8Array() };
	const came = encodeEthernet({ ...macs, etherType: etherType.ipv6 }, inner(9));
	const left = encodeEthernet(
		{ ...macs, etherType: etherType.ipv4 },
		encodeIpv4({ ttl: 64, protocol: ipProtocol.ipv6, source, destination }, inner(8)),
	);

	test('takes a good frame', () => {
		expect(encapsulatedProblem(came, left)).toBeUndefined();
	});

	test('finds every changed byte behind the Ethernet addresses', () => {
		for (let at = 12; at < left.length; at++)
			for (const change of [1, 0x80]) {
				const wrong = left.with(at, (left[at] ?? 0) ^ change);
				expect(encapsulatedProblem(came, wrong), `byte ${at}`).toBeDefined();
			}
	});

	test('finds every cut', () => {
		for (let length = 14; length < left.length; length++)
			expect(encapsulatedProblem(came, left.subarray(0, length)), `${length}`).toBeDefined();
	});
});
