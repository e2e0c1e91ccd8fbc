import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ParsedTunnel, parseTunnel } from '../tunnel/tunnel.ts';
import { tableOf } from '../tunnel/tunnel-table.ts';
import { prefixLayout, prefixNumbers, tunnelLayout } from './layout.ts';
import { tunnelOf } from './tunnel-map.ts';
import { recordWords, type TunnelRecords, tunnelRecords } from './tunnel-records.ts';
import {
	entryWord,
	entryWords,
	firstSlot,
	goneState,
	liveState,
	prefixBytes,
	probes,
} from './tunnel-slots.ts';
import { clearGone, planUpdate, type TunnelMemory, type TunnelUpdate } from './tunnel-update.ts';

function memory(slots: number, counters = 0): TunnelMemory {
	return {
		entries: new Uint32Array((slots + probes) * entryWords),
		templates: new Uint8Array(64 * tunnelLayout.size),
		counters,
	};
}

/** A tunnel of a small world, so that matches meet. */
const anyTunnel = fc
	.record({
		number: fc.nat(40),
		length: fc.constantFrom(16, 24, 32),
		end: fc.integer({ min: 1, max: 3 }),
		vni: fc.nat(2),
		kind: fc.constantFrom('ip' as const, 'vxlan' as const),
		ipv6: fc.boolean(),
	})
	.map(({ number, length, end, vni, kind, ipv6 }) =>
		parseTunnel({
			match:
				length === 32 ? `10.${number}.0.1/32` : length === 24 ? `10.${number}.0.0/24` : `10.${number}.0.0/16`,
			encapsulation: kind,
			...(kind === 'vxlan' ? { vni } : {}),
			...(ipv6
				? { source: '2001:db8::1', destination: `2001:db8::1:${end}` }
				: { source: '192.0.2.1', destination: `198.51.100.${end}` }),
		} as Parameters<typeof parseTunnel>[0]),
	);

const anyTunnels = fc.uniqueArray(anyTunnel, {
	maxLength: 60,
	selector: ({ match }) => `${match.bytes.join('.')}/${match.length}`,
});

/** What is done to memory, in the order that the kernel side does it. */
function carryOut({ entries, templates }: TunnelMemory, update: TunnelUpdate, records: TunnelRecords): void {
	for (const { index, bytes } of update.templates) templates.set(bytes, index * tunnelLayout.size);
	for (const [index, slot] of update.slots.entries()) {
		expect((entries[slot * entryWords + entryWord.state] ?? 0) & 3).not.toBe(liveState);
		const record = new Uint32Array(recordWords);
		records.write(update.rows[index] ?? 0, record, 0);
		entries.set(record.subarray(0, entryWord.counter), slot * entryWords);
		entries[slot * entryWords + entryWord.counter] = update.counters[index] ?? 0;
	}
	for (const [index, slot] of update.slots.entries())
		entries[slot * entryWords + entryWord.state] = update.states[index] ?? 0;
	for (const slot of update.removed) entries[slot * entryWords + entryWord.state] = goneState;
}

/** Every live tunnel, as text, with its counter. */
function present({ entries, templates }: TunnelMemory): Map<string, number> {
	const bytes = new Uint8Array(entries.buffer);
	const found = new Map<string, number>();
	for (let at = 0; at < entries.length; at += entryWords) {
		const state = entries[at + entryWord.state] ?? 0;
		if ((state & 3) !== liveState) continue;
		const template = (state >>> 10) * tunnelLayout.size;
		const tunnel = tunnelOf(
			bytes.slice(at * 4, at * 4 + 32),
			templates.slice(template, template + tunnelLayout.size),
		);
		found.set(JSON.stringify(tunnel), entries[at + entryWord.counter] ?? 0);
	}
	return found;
}

function apply(to: TunnelMemory, tunnels: readonly ParsedTunnel[]): TunnelUpdate {
	const records = tunnelRecords(tableOf(tunnels));
	clearGone(to.entries);
	const update = planUpdate(to, records);
	expect(update.fits).toBe(true);
	carryOut(to, update, records);
	return update;
}

const matchOf = (text: string): string => (JSON.parse(text) as { match: string }).match;

test('after any updates there are the tunnels of the last, and each that stays keeps its counter', () => {
	fc.assert(
		fc.property(fc.array(anyTunnels, { minLength: 1, maxLength: 5 }), (lists) => {
			const kernel = memory(120, 120);
			let before = new Map<string, number>();
			for (const list of lists) {
				const fresh = memory(120, 120);
				apply(fresh, list);
				const { difference, newCounters } = apply(kernel, list);
				const now = present(kernel);
				expect([...now.keys()].sort()).toEqual([...present(fresh).keys()].sort());
				expect(new Set(now.values()).size).toBe(now.size);
				const old = new Map([...before].map(([text, counter]) => [matchOf(text), { text, counter }]));
				let [added, changed] = [0, 0];
				for (const [text, counter] of now) {
					const same = old.get(matchOf(text));
					if (same === undefined) added++;
					else {
						if (same.text !== text) changed++;
						expect(counter).toBe(same.counter);
					}
				}
				expect(newCounters).toHaveLength(added);
				expect(difference).toEqual({
					added,
					changed,
					removed: before.size + added - now.size,
					total: list.length,
				});
				before = now;
			}
		}),
	);
});

test('the same once more writes nothing', () => {
	fc.assert(
		fc.property(anyTunnels, (list) => {
			const kernel = memory(120);
			apply(kernel, list);
			expect(apply(kernel, list)).toMatchObject({
				difference: { added: 0, changed: 0, removed: 0, total: list.length },
				rows: new Uint32Array(),
				templates: [],
				removed: new Uint32Array(),
			});
		}),
	);
});

test('an update that was cut off anywhere is made right by the next', () => {
	fc.assert(
		fc.property(anyTunnels, anyTunnels, fc.nat(100), (first, second, cut) => {
			const kernel = memory(200);
			apply(kernel, first);
			const records = tunnelRecords(tableOf(second));
			const update = planUpdate(kernel, records);
			const half = Math.min(cut, update.slots.length);
			// Killed while it published: some are there twice, none of the old has gone.
			carryOut(
				kernel,
				{ ...update, slots: update.slots.slice(0, half), removed: new Uint32Array() },
				records,
			);
			apply(kernel, second);
			const fresh = memory(200);
			apply(fresh, second);
			expect([...present(kernel).keys()].sort()).toEqual([...present(fresh).keys()].sort());
		}),
	);
});

test('what does not fit is told, and the difference all the same', () => {
	const list = Array.from({ length: 60 }, (_, number) =>
		parseTunnel({
			match: `10.${number}.0.0/16`,
			encapsulation: 'ip',
			source: '192.0.2.1',
			destination: '198.51.100.1',
		}),
	);
	const kernel = memory(64, 10);
	expect(planUpdate(kernel, tunnelRecords(tableOf(list)))).toMatchObject({
		fits: false,
		difference: { added: 60, changed: 0, removed: 0, total: 60 },
	});
	expect(planUpdate(memory(64), tunnelRecords(tableOf(list))).fits).toBe(false); // fuller than four fifths
	expect(planUpdate(memory(80), tunnelRecords(tableOf(list))).fits).toBe(true);
});

test('the first slot is spread over all there are, also over more than a number can be multiplied by exactly', () => {
	for (const slots of [1, 64, 170_000, 1 << 26]) {
		const found = Array.from({ length: 4096 }, (_, number) =>
			firstSlot(Uint32Array.of(0x20, number << 8, 0, 0), 0, 64, slots),
		);
		expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
		expect(Math.max(...found)).toBeLessThan(slots);
		const parts = new Set(found.map((slot) => Math.floor((slot / slots) * 64)));
		expect(parts.size).toBe(Math.min(slots, 64));
	}
});

test('prefixes lead from each length to the next shorter one in use, with its mask', () => {
	const view = new DataView(prefixBytes(new Set([64, 48, 129 + 32, 129])).buffer);
	const shorter = (number: number): number =>
		view.getUint32(number * prefixLayout.size + prefixLayout.shorter.offset, true);
	expect([prefixNumbers.anyIpv6, 64, 60, 48].map(shorter)).toEqual([64, 48, 48, prefixNumbers.none]);
	expect([prefixNumbers.anyIpv4, 129 + 32, 129].map(shorter)).toEqual([129 + 32, 129, prefixNumbers.none]);
	const mask = (number: number): string =>
		Buffer.from(view.buffer, number * prefixLayout.size, 16).toString('hex');
	expect(mask(50)).toBe('ffffffffffffc0000000000000000000');
	expect(mask(129 + 9)).toBe('ff800000000000000000000000000000');
});

test('whatever mixture of two lists of prefixes is read, no length in use both times is skipped', () => {
	const lengths = fc.uniqueArray(fc.nat(128), { maxLength: 12 });
	fc.assert(
		fc.property(lengths, lengths, fc.infiniteStream(fc.boolean()), (one, other, choices) => {
			const views = [one, other].map((list) => new DataView(prefixBytes(new Set(list)).buffer));
			const seen: number[] = [];
			let number: number = prefixNumbers.anyIpv6;
			for (;;) {
				const view = views[choices.next().value ? 0 : 1];
				number = view?.getUint32(number * prefixLayout.size + prefixLayout.shorter.offset, true) ?? 255;
				if (number === prefixNumbers.none) break;
				seen.push(number);
			}
			expect(seen).toEqual(expect.arrayContaining(one.filter((length) => other.includes(length))));
		}),
	);
});
