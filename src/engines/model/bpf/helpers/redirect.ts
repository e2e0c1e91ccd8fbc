/** Helpers that say where a frame goes (net/core/filter.c, kernel/bpf/devmap.c). */

import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { DeviceMap } from '../maps/array.ts';
import { HashMap } from '../maps/hash.ts';
import { layout } from '../memory.ts';
import type { BpfRedirect } from '../program.ts';
import { both, type Helper } from './prototype.ts';

/** What a program is to return, by hook: XDP_REDIRECT, TC_ACT_REDIRECT; XDP_ABORTED, TC_ACT_SHOT. */
export const redirectCode = { xdp: 4, tc: 7 } as const;
const refusalCode = { xdp: 0, tc: 2 } as const;

/** BPF_F_* */
const flag = { ingress: 1, broadcast: 8, excludeIngress: 16 } as const;

function redirectTo(machine: Machine, redirect: BpfRedirect): number {
	machine.memory.view.setUint32(layout.redirected, 0, true);
	machine.redirect = redirect;
	return redirectCode[machine.hook];
}

function redirect(machine: Machine, device = 0, flags = 0, rest = 0): number {
	const known = machine.hook === 'xdp' ? 0 : flag.ingress;
	if (rest !== 0 || (flags & ~known) !== 0) return refusalCode[machine.hook];
	return redirectTo(machine, { kind: 'device', device: device >>> 0, flags });
}

function redirectPeer(machine: Machine, device = 0, flags = 0, rest = 0): number {
	if ((flags | rest) !== 0) return refusalCode.tc;
	return redirectTo(machine, { kind: 'peer', device: device >>> 0, flags });
}

/** struct bpf_redir_neigh */
const nextHopBytes = 20;
const families: ReadonlyMap<number, 'ipv4' | 'ipv6'> = new Map([
	[2, 'ipv4'],
	[10, 'ipv6'],
]);

function redirectNeighbour(machine: Machine, device = 0, at = 0, bytes = 0, flags = 0, rest = 0): number {
	if ((bytes !== 0 && bytes < nextHopBytes) || (flags | rest) !== 0) return refusalCode.tc;
	const { memory } = machine;
	const address = at >>> 0;
	const number = bytes === 0 ? 0 : memory.view.getUint32(address, true);
	const family = families.get(number);
	if (bytes !== 0 && family === undefined) {
		return redirectTo(machine, { kind: 'unknown-family', device: device >>> 0, flags: 0 });
	}
	const nextHop =
		family === undefined
			? undefined
			: { family, address: memory.copy(address + 4, family === 'ipv4' ? 4 : 16) };
	return redirectTo(machine, { kind: 'neighbour', device: device >>> 0, flags: 0, nextHop });
}

/** __bpf_xdp_redirect_map: what is returned for a key that is missing stands in the flags. */
function redirectMap(machine: Machine, handle = 0, key = 0, _high = 0, flags = 0, rest = 0): number {
	const map = machine.map(handle);
	const fallback = 3;
	if (rest !== 0 || (flags & ~(fallback | flag.broadcast | flag.excludeIngress)) !== 0)
		return refusalCode.xdp;
	if (!(map instanceof DeviceMap) && !(map instanceof HashMap)) return refusalCode.xdp;
	const { view } = machine.memory;
	view.setUint32(layout.result, key, true);
	const entry = map.find(layout.result);
	if ((flags & flag.broadcast) === 0) {
		if (entry === 0) return flags & fallback;
		return redirectTo(machine, { kind: 'device', device: view.getUint32(entry, true), flags });
	}
	const ingress = (flags & flag.excludeIngress) !== 0 ? view.getUint32(layout.context + 12, true) : 0;
	const devices = map
		.keys()
		.map((each) => new DataView(map.lookup(each)?.buffer ?? new ArrayBuffer(4)).getUint32(0, true))
		.filter((device) => device !== ingress);
	return redirectTo(machine, { kind: 'broadcast', devices, flags });
}

export const redirectHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		13,
		{
			name: 'bpf_clone_redirect',
			hooks: ['tc'],
			arguments: ['context', 'number', 'long'],
			result: 'signed',
			// A run has one frame: there is nowhere for a clone to go, which the program is told.
			run: () => -errno.ENOTSUPP,
		},
	],
	[23, { name: 'bpf_redirect', hooks: both, arguments: ['number', 'long'], result: 'signed', run: redirect }],
	[
		51,
		{
			name: 'bpf_redirect_map',
			hooks: ['xdp'],
			arguments: ['map', 'long', 'long'],
			result: 'signed',
			run: redirectMap,
		},
	],
	[
		152,
		{
			name: 'bpf_redirect_neigh',
			hooks: ['tc'],
			arguments: ['number', { does: 'read', bytes: { argument: 2 }, optional: true }, 'number', 'long'],
			result: 'signed',
			run: redirectNeighbour,
		},
	],
	[
		155,
		{
			name: 'bpf_redirect_peer',
			hooks: ['tc'],
			arguments: ['number', 'long'],
			result: 'signed',
			run: redirectPeer,
		},
	],
]);
