/**
 * The public example's network, and what it leaves open as choices: host0 - veth0 router veth1 - host1,
 * the datapath on veth0, and a ping from the host to veth0's address that leaves encapsulated by veth1.
 */
import { type Family, parseIp, parseMac } from '../packet/address.ts';
import { encodeEthernet } from '../packet/ethernet.ts';
import { encodeIcmp, icmpType } from '../packet/icmp.ts';
import { encodeIcmpv6, icmpv6Type } from '../packet/icmpv6.ts';
import { encodeIpv4 } from '../packet/ipv4.ts';
import { encodeIpv6 } from '../packet/ipv6.ts';
import { etherType, ipProtocol } from '../packet/protocol.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import type { Datapath, Forwarding, Hook, Host, Neighbour, Scenario } from './scenario.ts';

/**
 * Whose address the outer source is: the router's own, as in the example; another one of the egress
 * device's subnet; or one that no route leads back to.
 */
export type Source = 'local' | 'other-device' | 'unrouted';

/** One combination of what the example leaves open. */
export interface Cell {
	readonly hook: Hook;
	/** Family of the outer header. */
	readonly outer: Family;
	/** Family of the packet that is encapsulated. */
	readonly inner: Family;
	readonly forwarding: Forwarding;
	readonly source: Source;
	/** net.ipv4.conf.veth0.rp_filter */
	readonly rpFilter: 0 | 1 | 2;
	/** net.ipv4.conf.veth0.accept_local */
	readonly acceptLocal: 0 | 1;
	/** Whether the router knows the next hop's Ethernet address beforehand. */
	readonly neighbour: 'known' | 'unknown';
}

/** Where the packet comes in and the datapath is, and where it should leave. */
const ingress = 'veth0';
const egress = 'veth1';

/** The two sysctls that decide. */
export const rpFilterSysctl: string = `net.ipv4.conf.${ingress}.rp_filter`;
export const acceptLocalSysctl: string = `net.ipv4.conf.${ingress}.accept_local`;

const links = [
	{ router: ingress, host: 'host0' },
	{ router: egress, host: 'host1' },
] as const;

const addresses = {
	ipv4: { veth0: '10.11.1.2', host0: '10.11.1.1', veth1: '10.11.2.2', host1: '10.11.2.1', length: 24 },
	ipv6: {
		veth0: 'fc00:dead:cafe:1::2',
		host0: 'fc00:dead:cafe:1::1',
		veth1: 'fc00:dead:cafe:2::2',
		host1: 'fc00:dead:cafe:2::1',
		length: 64,
	},
} as const;

const macs = {
	veth0: '02:00:00:00:01:02',
	host0: '02:00:00:00:01:01',
	veth1: '02:00:00:00:02:02',
	host1: '02:00:00:00:02:01',
} as const;

type Name = keyof typeof macs;

/** What is pinged: veth0's own address, which the datapath takes before the router sees it. */
export const pinged: Readonly<Record<Family, string>> = {
	ipv4: addresses.ipv4.veth0,
	ipv6: addresses.ipv6.veth0,
};

const sources = {
	ipv4: { local: addresses.ipv4.veth1, 'other-device': '10.11.2.77', unrouted: '192.0.2.1' },
	ipv6: { local: addresses.ipv6.veth1, 'other-device': 'fc00:dead:cafe:2::77', unrouted: '2001:db8::1' },
} as const satisfies Record<Family, Record<Source, string>>;

function host(names: readonly Name[], rest: Pick<Host, 'neighbours' | 'sysctls'>): Host {
	const devices = names.map((name) => [
		name,
		{
			mac: macs[name],
			addresses: (['ipv4', 'ipv6'] as const).map(
				(family) => `${addresses[family][name]}/${addresses[family].length}`,
			),
		},
	]);
	return { devices: Object.fromEntries(devices), ...rest };
}

/** The tunnels: whatever goes to the first network leaves encapsulated towards host1. */
function tunnels(cell: Cell): readonly Tunnel[] {
	return ['10.11.1.0/24', 'fc00:dead:cafe:1::/64'].map((match) => ({
		match,
		encapsulation: 'ip',
		source: sources[cell.outer][cell.source],
		destination: addresses[cell.outer].host1,
	}));
}

function bytes(address: string): Uint8Array {
	return parseIp(address)?.bytes ?? new Uint8Array();
}

/** An echo request from host0 to the router's veth0, as ping sends it. */
function echoRequest(inner: Family, payload: Uint8Array): Uint8Array {
	const source = bytes(addresses[inner].host0);
	const destination = bytes(addresses[inner].veth0);
	const header = { code: 0, identifier: 1, sequence: 1 };
	const ethernet = {
		destination: parseMac(macs.veth0) ?? new Uint8Array(),
		source: parseMac(macs.host0) ?? new Uint8Array(),
	};
	if (inner === 'ipv4') {
		const packet = encodeIpv4(
			{
				typeOfService: 0,
				identification: 1,
				dontFragment: true,
				moreFragments: false,
				fragmentOffset: 0,
				ttl: 64,
				protocol: ipProtocol.icmp,
				source,
				destination,
				options: new Uint8Array(),
			},
			encodeIcmp({ type: icmpType.echoRequest, ...header }, payload),
		);
		return encodeEthernet({ ...ethernet, etherType: etherType.ipv4 }, packet);
	}
	const packet = encodeIpv6(
		{ trafficClass: 0, flowLabel: 0, nextHeader: ipProtocol.icmpv6, hopLimit: 64, source, destination },
		encodeIcmpv6({ type: icmpv6Type.echoRequest, ...header }, payload, { source, destination }),
	);
	return encodeEthernet({ ...ethernet, etherType: etherType.ipv6 }, packet);
}

/** The host knows the router from the start, so that it asks nothing of it that could teach the router. */
const routerAsSeenByHost: readonly Neighbour[] = links.flatMap(({ router, host }) =>
	(['ipv4', 'ipv6'] as const).map((family) => ({
		device: host,
		address: addresses[family][router],
		mac: macs[router],
	})),
);

/**
 * The scenario of a cell.
 * @param payload what the echo request carries: engines tell the packet by it, so it should be unique
 */
export function exampleScenario(cell: Cell, payload: Uint8Array): Scenario & { readonly datapath: Datapath } {
	const nextHop = { device: egress, address: addresses[cell.outer].host1, mac: macs.host1 };
	return {
		links,
		router: host([ingress, egress], {
			neighbours: cell.neighbour === 'known' ? [nextHop] : [],
			sysctls: {
				'net.ipv4.ip_forward': 1,
				'net.ipv6.conf.all.forwarding': 1,
				'net.ipv4.conf.all.rp_filter': 0,
				'net.ipv4.conf.all.accept_local': 0,
				[`net.ipv4.conf.${egress}.rp_filter`]: 0,
				[`net.ipv4.conf.${egress}.accept_local`]: 0,
				[rpFilterSysctl]: cell.rpFilter,
				[acceptLocalSysctl]: cell.acceptLocal,
			},
		}),
		host: host(['host0', 'host1'], { neighbours: routerAsSeenByHost, sysctls: {} }),
		datapath: { hook: cell.hook, forwarding: cell.forwarding, device: ingress, tunnels: tunnels(cell) },
		packet: { device: ingress, frame: echoRequest(cell.inner, payload) },
	};
}
