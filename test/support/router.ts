/** A small router to try packets on in the model: host0 - veth0 router veth1 - host1. */
import { type ModelEngine, openModelEngine } from '../../src/engines/model/engine.ts';
import type { Journey } from '../../src/journey/journey.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import type { Device, Host, Scenario } from '../../src/scenario/scenario.ts';
import { addressBytes } from './journeys.ts';

export interface PacketOptions {
	readonly from: string;
	readonly to: string;
	readonly ttl?: number;
	/** Bytes of UDP payload; 16 if not given. */
	readonly bytes?: number;
	readonly dontFragment?: boolean;
	readonly tos?: number;
	/** Ethernet destination; the router's own if not given. */
	readonly mac?: string;
	readonly vlan?: number;
}

export const routerMac = { veth0: '02:00:00:00:00:02', veth1: '02:00:00:00:01:02' } as const;
export const hostMac = { host0: '02:00:00:00:00:01', host1: '02:00:00:00:01:01' } as const;

/** A frame from host0, with a UDP datagram. */
export function udpFrame(options: PacketOptions): Uint8Array {
	const { from, to, ttl = 64, bytes = 16, dontFragment = false, tos = 0, vlan } = options;
	const [source, destination] = [addressBytes(from), addressBytes(to)];
	const isIpv4 = source.length === 4;
	const payload = new Uint8Array(bytes).fill(0xa5);
	const udp = encodeUdp({ sourcePort: 1234, destinationPort: 4321 }, payload, { source, destination });
	const packet = isIpv4
		? encodeIpv4({ ttl, protocol: 17, source, destination, dontFragment, typeOfService: tos }, udp)
		: encodeIpv6({ nextHeader: 17, hopLimit: ttl, source, destination, trafficClass: tos }, udp);
	return encodeEthernet(
		{
			destination: macBytes(options.mac ?? routerMac.veth0),
			source: macBytes(hostMac.host0),
			etherType: isIpv4 ? 0x0800 : 0x86dd,
			...(vlan === undefined ? {} : { vlan: { id: vlan, priority: 0, dropEligible: false } }),
		},
		concatenate([packet]),
	);
}

export function macBytes(text: string): Uint8Array {
	return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

const devices: Readonly<Record<'veth0' | 'veth1', Device>> = {
	veth0: { mac: routerMac.veth0, addresses: ['10.0.0.2/24', 'fc00:0:0:0::2/64'] },
	veth1: { mac: routerMac.veth1, addresses: ['10.0.1.2/24', 'fc00:0:0:1::2/64'] },
};

/** What a test changes of the router: members in place of its own. */
export interface RouterOptions extends Partial<Omit<Host, 'devices'>> {
	readonly devices?: Readonly<Record<string, Partial<Device>>>;
	readonly kernel?: string;
	readonly mark?: number;
	/** Addresses of host1; 10.0.1.1 and its like if not given. */
	readonly far?: readonly string[];
}

export function scenarioOf(options: RouterOptions, frame: Uint8Array): Scenario {
	const { kernel, mark, far = ['10.0.1.1/24', 'fc00:0:0:1::1/64'], devices: changed = {}, ...rest } = options;
	const all: Record<string, Device> = { ...devices };
	for (const [name, change] of Object.entries(changed)) {
		all[name] = { mac: routerMac.veth0, addresses: [], ...all[name], ...change };
	}
	return {
		links: [
			{ router: 'veth0', host: 'host0' },
			{ router: 'veth1', host: 'host1' },
		],
		router: {
			neighbours: [],
			...rest,
			devices: all,
			sysctls: { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1, ...rest.sysctls },
		},
		host: {
			devices: {
				host0: { mac: hostMac.host0, addresses: ['10.0.0.1/24', 'fc00:0:0:0::1/64'] },
				host1: { mac: hostMac.host1, addresses: far },
			},
			neighbours: [],
			sysctls: {},
		},
		...(kernel === undefined ? {} : { kernel }),
		packet: { device: 'veth0', frame, ...(mark === undefined ? {} : { mark }) },
	};
}

const engine: ModelEngine = openModelEngine();

/** Send a datagram through the router. */
export function send(packet: PacketOptions, options: RouterOptions = {}): Journey {
	return sendFrame(udpFrame(packet), options);
}

/** Send a frame that comes in by veth0. */
export function sendFrame(frame: Uint8Array, options: RouterOptions = {}): Journey {
	return engine.try(scenarioOf(options, frame));
}

/** How it ended, in a line: `IP_RPFILTER ip_rcv_finish_core reverse-path`, `forwarded host1`. */
export function endOf({ outcome }: Journey): string {
	switch (outcome.kind) {
		case 'dropped':
			return `${outcome.reason} ${outcome.where} ${outcome.cause}`;
		case 'vanished':
			return outcome.kind;
		default:
			return `${outcome.kind} ${outcome.device}`;
	}
}
