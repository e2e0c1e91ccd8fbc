/** What the measuring rig is made of, as plain data: the example's network, one tunnel and one frame. */
import { type Family, parseIp, parseMac } from '../src/packet/address.ts';
import { concatenate } from '../src/packet/bytes.ts';
import { encodeEthernet, ethernetLength } from '../src/packet/ethernet.ts';
import { encodeIpv6, ipv6Length } from '../src/packet/ipv6.ts';
import { etherType, ipProtocol } from '../src/packet/protocol.ts';
import { encodeUdp, udpLength } from '../src/packet/udp.ts';
import { exampleScenario } from '../src/scenario/example.ts';
import type { Scenario } from '../src/scenario/scenario.ts';
import type { Tunnel } from '../src/tunnel/tunnel.ts';

/** Length of the inner IPv6 packet. */
const packetBytes = 64;

/**
 * The example with every neighbour known: also host1's IPv6 address, for frames that nobody encapsulates.
 * @param open whether sysctls let an IPv4 packet in whose source is the router's own
 */
export function rigScenario(open: boolean): Scenario {
	const example = exampleScenario(
		{
			hook: 'xdp',
			outer: 'ipv4',
			inner: 'ipv6',
			forwarding: open ? 'stack' : 'fib',
			source: 'local',
			rpFilter: open ? 2 : 1,
			acceptLocal: open ? 1 : 0,
			neighbour: 'known',
		},
		new Uint8Array(),
	);
	const { mac } = deviceOf(example, 'host1');
	const far = { device: 'veth1', address: addressOf(example, 'host1', 'ipv6'), mac };
	return { ...example, router: { ...example.router, neighbours: [...example.router.neighbours, far] } };
}

/** The tunnel the frames take: as in the example, the outer source is the router's own. */
export function rigTunnel(scenario: Scenario, encapsulation: 'ip' | 'vxlan' = 'ip'): Tunnel {
	const tunnel = {
		match: `${addressOf(scenario, 'host1', 'ipv6')}/128`,
		source: addressOf(scenario, 'veth1', 'ipv4'),
		destination: addressOf(scenario, 'host1', 'ipv4'),
	};
	return encapsulation === 'ip' ? { ...tunnel, encapsulation } : { ...tunnel, encapsulation, vni };
}

const vni = 7;

/** For the router: the same tunnel by a VXLAN device of the kernel's, as commands of `ip`. */
export function vxlanDeviceCommands(scenario: Scenario): string[] {
	const { match, source, destination } = rigTunnel(scenario);
	const inner = match.replace('/128', '');
	return [
		`link add vx0 type vxlan id ${vni} local ${source} remote ${destination} dstport 4789 dev veth1`,
		'link set vx0 up',
		`neighbour add ${inner} lladdr 02:00:00:00:00:99 dev vx0 nud permanent`,
		`route add ${match} dev vx0`,
	];
}

/** One of many inner destinations: the generator writes its number into the second word. */
export function manyDestination(number: number): string {
	return `2001:db8:${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`;
}

/** Ends of many tunnels, behind host1: a network for benchmarks (RFC 2544). */
const ends = '198.18.0.0/15';

/** As many tunnels as there are inner destinations, taking turns at the ends: at most 131,072. */
export function manyTunnels(scenario: Scenario, count: number, ends: number): Tunnel[] {
	const { source } = rigTunnel(scenario);
	return Array.from({ length: count }, (_, number) => {
		const end = number % ends;
		return {
			match: manyDestination(number).replace('::1', '::/64'),
			encapsulation: 'ip',
			source,
			destination: `198.${18 + (end >>> 16)}.${(end >>> 8) & 255}.${end & 255}`,
		};
	});
}

/** For the router: how `ip` is told the way to those ends. */
export function manyTunnelsRoute(scenario: Scenario): string {
	return `route add ${ends} via ${addressOf(scenario, 'host1', 'ipv4')}`;
}

/** 64 bytes of UDP over IPv6 from host0 to host1, or to another destination. Its payload repeats the Ethernet header for the generator. */
export function generatedFrame(
	scenario: Scenario,
	destination: string = addressOf(scenario, 'host1', 'ipv6'),
): Uint8Array {
	const bytes = (address: string): Uint8Array => parseIp(address)?.bytes ?? new Uint8Array();
	const mac = (name: string): Uint8Array => parseMac(deviceOf(scenario, name).mac) ?? new Uint8Array();
	const ethernet = { destination: mac('veth0'), source: mac('host0'), etherType: etherType.ipv6 };
	const addresses = {
		source: bytes(addressOf(scenario, 'host0', 'ipv6')),
		destination: bytes(destination),
	};
	const payload = concatenate([
		encodeEthernet(ethernet, new Uint8Array()),
		new Uint8Array(packetBytes - ipv6Length - udpLength - ethernetLength),
	]);
	const udp = encodeUdp({ sourcePort: 49152, destinationPort: 9 }, payload, addresses); // discard, RFC 863
	return encodeEthernet(
		ethernet,
		encodeIpv6({ nextHeader: ipProtocol.udp, hopLimit: 64, ...addresses }, udp),
	);
}

function deviceOf({ router, host }: Scenario, name: string): { mac: string; addresses: readonly string[] } {
	return router.devices[name] ?? host.devices[name] ?? { mac: '', addresses: [] };
}

function addressOf(scenario: Scenario, name: string, family: Family): string {
	const addresses = deviceOf(scenario, name).addresses.map((address) => address.split('/')[0] ?? '');
	return addresses.find((address) => parseIp(address)?.family === family) ?? '';
}
