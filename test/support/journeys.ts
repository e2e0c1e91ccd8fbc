/** Made-up frames, journeys and lab results, for tests of what is made of them. */
import fc from 'fast-check';
import { type Cause, causes } from '../../src/journey/cause.ts';
import type { Decision, Journey, Outcome, Sighting } from '../../src/journey/journey.ts';
import { type Choice, chooseCells, dimensions } from '../../src/lab/cells.ts';
import { changes, sysctlVariants } from '../../src/lab/fix.ts';
import type { LabResult } from '../../src/lab/run.ts';
import { parseIp } from '../../src/packet/address.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import type { Cell } from '../../src/scenario/example.ts';

export function addressBytes(text: string): Uint8Array {
	const ip = parseIp(text);
	if (ip === undefined) throw new Error(`not an address: ${text}`);
	return ip.bytes;
}

/** A frame with one IP header of the addresses' family and a payload. */
export function ipFrame(from: string, to: string, payload: Uint8Array = new Uint8Array(8)): Uint8Array {
	const [source, destination] = [addressBytes(from), addressBytes(to)];
	const isIpv4 = source.length === 4;
	const packet = isIpv4
		? encodeIpv4({ ttl: 64, protocol: 253, source, destination }, payload)
		: encodeIpv6({ nextHeader: 253, hopLimit: 64, source, destination }, payload);
	const ethernet = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...(isIpv4 ? [8, 0] : [0x86, 0xdd]));
	return concatenate([ethernet, packet]);
}

/** The first cell of the choice. */
export function cellOf(choice: Choice = {}): Cell {
	const [cell] = chooseCells(choice);
	if (cell === undefined) throw new Error('no cell is left');
	return cell;
}

export function sighting(changed: Partial<Sighting> = {}): Sighting {
	const frame = changed.frame ?? ipFrame('10.11.1.1', '10.11.1.2');
	return {
		place: 'receive',
		after: 0,
		namespace: 'router',
		device: 'veth0',
		length: frame.length,
		packet: true,
		...changed,
		frame,
	};
}

/** Where a program is done with a frame. */
export function decided(hook: 'xdp' | 'tc', decision: Partial<Decision>, frame?: Uint8Array): Sighting {
	return sighting({
		place: `${hook}-out`,
		decision: { outcome: 'to-stack', verdict: hook === 'xdp' ? 2 : 0, ...decision },
		...(frame === undefined ? {} : { frame }),
	});
}

export function journey(outcome: Outcome, sightings: readonly Sighting[] = []): Journey {
	return { engine: 'linux', kernel: '6.1.0', sentAt: 1_700_000_000_000_000_000n, sightings, outcome };
}

export const forwarded: Outcome = { kind: 'forwarded', device: 'host1', frame: new Uint8Array([1]) };
export const vanished: Outcome = { kind: 'vanished', afterMilliseconds: 5000 };

export function dropped(reason: string, where: string, cause: Cause): Extract<Outcome, { kind: 'dropped' }> {
	return { kind: 'dropped', by: 'kernel', reason, where, cause };
}

/** A lab's result: what each cell came to, by a rule. */
export function labResult(cells: readonly Cell[], outcome: (cell: Cell) => Outcome): LabResult {
	const tried = cells.map((cell) => ({
		cell,
		journey: journey(outcome(cell)),
		explanation: `What became of the packet: ${outcome(cell).kind}.`,
		fix: [],
	}));
	return { engine: 'linux', kernel: '6.1.0', elapsedMs: 1234, cells: tried };
}

/** Reasons and places as long as the running kernel has them. */
const anyDrop = fc
	.record({
		reason: fc.constantFrom(
			'NOT_SPECIFIED',
			'IP_RPFILTER',
			'IP_LOCAL_SOURCE',
			'UNICAST_IN_L2_MULTICAST',
			'XDP',
		),
		where: fc.constantFrom('ip_rcv_finish_core', '__dev_queue_xmit', 'ip6_forward', '0xffffffff81c0ffee'),
		cause: fc.constantFrom(...(Object.keys(causes) as Cause[])),
	})
	.map(({ reason, where, cause }) => dropped(reason, where, cause));

const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(fc.constant(forwarded), fc.constant(vanished), anyDrop);

/** Any choice that leaves at least one cell. */
export const anyChoice: fc.Arbitrary<Choice> = fc.record({
	hook: fc.subarray([...dimensions.hook], { minLength: 1 }),
	outer: fc.subarray([...dimensions.outer], { minLength: 1 }),
	inner: fc.subarray([...dimensions.inner], { minLength: 1 }),
	forwarding: fc.subarray([...dimensions.forwarding], { minLength: 1 }),
	source: fc.subarray([...dimensions.source], { minLength: 1 }),
	rpFilter: fc.subarray([...dimensions.rpFilter], { minLength: 1 }),
	acceptLocal: fc.subarray([...dimensions.acceptLocal], { minLength: 1 }),
	neighbour: fc.subarray([...dimensions.neighbour], { minLength: 1 }),
});

/** Any result: a few different endings over any cells, with any fix that changes sysctls. */
export const anyLabResult: fc.Arbitrary<LabResult> = fc
	.tuple(anyChoice, fc.array(anyOutcome, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat(999)))
	.map(([choice, outcomes, numbers]) => {
		const next = (): number => numbers.next().value ?? 0;
		const cells = chooseCells(choice).map((cell) => {
			const outcome = outcomes[next() % outcomes.length] ?? forwarded;
			const variants = sysctlVariants(cell);
			const variant = outcome.kind === 'dropped' ? variants[next() % (variants.length + 1)] : undefined;
			return {
				cell,
				journey: journey(outcome),
				explanation: `${'word '.repeat(next() % 40)}${cell.source} was ${outcome.kind}.`,
				fix: variant === undefined ? [] : changes(cell, variant),
			};
		});
		return { engine: 'linux', kernel: '6.1.0-rc1-a-rather-long-name', elapsedMs: next(), cells };
	});
