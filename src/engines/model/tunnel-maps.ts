/** The maps of a program of the datapath that hold its tunnels. */
import { tunnelRecords } from '../../datapath/tunnel-records.ts';
import { type TunnelImage, tunnelImage } from '../../datapath/tunnel-slots.ts';
import { parseTunnel, type Tunnel } from '../../tunnel/tunnel.ts';
import { tableOf } from '../../tunnel/tunnel-table.ts';
import type { BpfMap } from './bpf/program.ts';

/** What the maps are to hold of these tunnels, in a table of so many slots. @throws EF_INPUT for one that cannot be */
export function imageOf(tunnels: readonly Tunnel[], slots: number): TunnelImage {
	return tunnelImage(tunnelRecords(tableOf(tunnels.map(parseTunnel))), slots);
}

/** Take out what the maps hold, and put these tunnels in. */
export function setTunnelMaps(maps: Readonly<Record<string, BpfMap>>, image: TunnelImage): void {
	const { tunnels, templates, prefixes } = maps;
	tunnels?.clear();
	for (const { slot, entry } of image.tunnels) tunnels?.update(indexKey(slot), entry);
	// What no tunnel names is not looked at.
	for (const [index, template] of image.templates.entries()) templates?.update(indexKey(index), template);
	prefixes?.fill(image.prefixes);
}

function indexKey(index: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(index).buffer);
}
