/** A decapsulation as entries of the datapath's maps `endpoints` and `decapsulations`: bpf/decapsulation.h. */
import { formatIp } from '../packet/address.ts';
import type { Decapsulation, ParsedDecapsulation } from '../tunnel/decapsulation.ts';
import { decapsulationKeyLayout, encapsulations, endpointKeyLayout, tunnelFlags } from './layout.ts';

/** The address families' numbers in the kernel. */
const familyNumber = { ipv4: 2, ipv6: 10 } as const;

export interface DecapsulationEntries {
	/** Keys of `decapsulations`, which counts what each takes out; a new one's value is zero. */
	readonly decapsulations: readonly Uint8Array[];
	readonly endpoints: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

/** All entries of both maps for a list of decapsulations. */
export function decapsulationEntries(list: readonly ParsedDecapsulation[]): DecapsulationEntries {
	/** By the key's bytes as text: what ends there, as bits. */
	const endpoints = new Map<string, { readonly key: Uint8Array; kinds: number }>();
	for (const decapsulation of list) {
		const kind = 1 << encapsulations.indexOf(decapsulation.encapsulation);
		for (const port of 'port' in decapsulation ? [0, decapsulation.port] : [0]) {
			const key = endpointKey(decapsulation, port);
			const name = Buffer.from(key).toString('latin1');
			const endpoint = endpoints.get(name);
			if (endpoint === undefined) endpoints.set(name, { key, kinds: kind });
			else endpoint.kinds |= kind;
		}
	}
	return {
		decapsulations: list.map(decapsulationKey),
		endpoints: [...endpoints.values()].map(({ key, kinds }) => ({
			key,
			value: new Uint8Array(new Uint32Array([kinds]).buffer),
		})),
	};
}

function endpointKey({ local }: ParsedDecapsulation, port: number): Uint8Array {
	const key = new Uint8Array(endpointKeyLayout.size);
	const view = new DataView(key.buffer);
	key.set(local.bytes, endpointKeyLayout.address.offset);
	view.setUint16(endpointKeyLayout.port.offset, port);
	view.setUint8(endpointKeyLayout.family.offset, familyNumber[local.family]);
	return key;
}

function decapsulationKey(decapsulation: ParsedDecapsulation): Uint8Array {
	const { local, encapsulation } = decapsulation;
	const layout = decapsulationKeyLayout;
	const key = new Uint8Array(layout.size);
	const view = new DataView(key.buffer);
	key.set(local.bytes, layout.address.offset);
	view.setUint8(layout.family.offset, familyNumber[local.family]);
	view.setUint8(layout.encapsulation.offset, encapsulations.indexOf(encapsulation));
	if ('port' in decapsulation) view.setUint16(layout.port.offset, decapsulation.port);
	if ('vni' in decapsulation) view.setUint32(layout.key.offset, (decapsulation.vni << 8) >>> 0);
	if ('key' in decapsulation && decapsulation.key !== undefined) {
		view.setUint32(layout.key.offset, decapsulation.key);
		view.setUint8(layout.flags.offset, tunnelFlags.key);
	}
	return key;
}

/** The decapsulation of a key of `decapsulations`. */
export function keyDecapsulation(key: Uint8Array): Decapsulation {
	const layout = decapsulationKeyLayout;
	const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
	const ipv4 = view.getUint8(layout.family.offset) === familyNumber.ipv4;
	const local = formatIp(key.slice(layout.address.offset, layout.address.offset + (ipv4 ? 4 : 16)));
	const encapsulation = encapsulations[view.getUint8(layout.encapsulation.offset)] ?? 'ip';
	const identifier = view.getUint32(layout.key.offset);
	const port = view.getUint16(layout.port.offset);
	switch (encapsulation) {
		case 'ip':
			return { encapsulation, local };
		case 'gre': {
			const keyed = (view.getUint8(layout.flags.offset) & tunnelFlags.key) !== 0;
			return { encapsulation, local, ...(keyed ? { key: identifier } : {}) };
		}
		case 'gue':
			return { encapsulation, local, port };
		default:
			return { encapsulation, local, port, vni: identifier >>> 8 };
	}
}
