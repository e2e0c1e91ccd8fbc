/** The tunnels of a running forwarder, brought from what they are to what they should be, by difference. */
import { parsedTunnelEntry, type TunnelEntry } from '../datapath/tunnel-map.ts';
import { deleteFromMap, lookupMap, mapEntries, updateMap } from '../kernel/map.ts';
import { type TunnelTable, tunnelAt } from '../tunnel/tunnel-table.ts';
import type { PinnedMap } from './pins.ts';

export interface Difference {
	readonly added: number;
	readonly changed: number;
	readonly removed: number;
	readonly total: number;
}

const tunnelMaps = ['tunnels_ipv4', 'tunnels_ipv6'] as const;
const generationKey = new Uint8Array(4);

function fdOf(maps: ReadonlyMap<PinnedMap, number>, map: PinnedMap): number {
	const fd = maps.get(map);
	if (fd === undefined) throw new RangeError(`the map ${map} is missing`);
	return fd;
}

/** From now on no packet is served what was remembered of a tunnel before. */
function raiseGeneration(maps: ReadonlyMap<PinnedMap, number>): void {
	const value = new Uint32Array(1);
	const bytes = new Uint8Array(value.buffer);
	lookupMap(fdOf(maps, 'generation'), generationKey, bytes);
	value[0] = (value[0] ?? 0) + 1;
	updateMap(fdOf(maps, 'generation'), generationKey, bytes);
}

/** Every entry there is. */
export function* tunnelEntries(maps: ReadonlyMap<PinnedMap, number>): Generator<TunnelEntry> {
	for (const map of tunnelMaps) {
		for (const entry of mapEntries(fdOf(maps, map))) yield { map, ...entry };
	}
}

function identity({ map, key }: TunnelEntry): string {
	return map + Buffer.from(key).toString('latin1');
}

/**
 * Make them those of the table. What is new or other is written first and what is to go is removed last, so
 * that a packet with a tunnel before and after has one at every moment between. Fails as a whole: what was
 * done is undone. `undo` takes it back later.
 */
export function applyTunnels(
	maps: ReadonlyMap<PinnedMap, number>,
	table: TunnelTable,
): { readonly difference: Difference; readonly undo: () => void } {
	const old = new Map<string, TunnelEntry>();
	for (const entry of tunnelEntries(maps)) old.set(identity(entry), entry);
	/** What each entry written or removed was before. */
	const undone: { readonly entry: TunnelEntry; readonly before: Uint8Array | undefined }[] = [];
	const undo = (): void => {
		for (const { entry, before } of [...undone].reverse()) {
			if (before === undefined) deleteFromMap(fdOf(maps, entry.map), entry.key);
			else updateMap(fdOf(maps, entry.map), entry.key, before);
		}
		if (undone.length > 0) raiseGeneration(maps);
	};
	let [added, changed, removed] = [0, 0, 0];
	try {
		for (let index = 0; index < table.count; index++) {
			const entry = parsedTunnelEntry(tunnelAt(table, index));
			const name = identity(entry);
			const before = old.get(name)?.value;
			old.delete(name);
			if (before !== undefined && Buffer.compare(before, entry.value) === 0) continue;
			updateMap(fdOf(maps, entry.map), entry.key, entry.value);
			undone.push({ entry, before });
			if (before === undefined) added++;
			else changed++;
		}
		for (const entry of old.values()) {
			if (!deleteFromMap(fdOf(maps, entry.map), entry.key)) continue;
			undone.push({ entry, before: entry.value });
			removed++;
		}
		if (undone.length > 0) raiseGeneration(maps);
	} catch (error) {
		undo();
		throw error;
	}
	return { difference: { added, changed, removed, total: table.count }, undo };
}
