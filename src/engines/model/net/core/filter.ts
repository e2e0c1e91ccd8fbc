/** What the kernel answers a BPF program, and where its redirects go: net/core/filter.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { etherType } from '../../../../packet/protocol.ts';
import type { BpfEnvironment, FibAnswer, FibRequest, NextHop } from '../../bpf/environment.ts';
import type { BpfRedirect } from '../../bpf/program.ts';
import type { Walk } from '../../walk.ts';
import type { FibAlias } from '../ipv4/fib.ts';
import { inetSelectAddr } from '../ipv4/fib-frontend.ts';
import { fibLookup } from '../ipv4/fib-rules.ts';
import { fibSelectMultipath } from '../ipv4/fib-semantics.ts';
import { type FibResult, type Flow4, fibTableLookup } from '../ipv4/fib-trie.ts';
import { fib6SelectPath, fib6TableLookup } from '../ipv6/fib6-lookup.ts';
import { type Flow6, fib6Lookup } from '../ipv6/fib6-rules.ts';
import { ipv6DevGetSaddr } from '../ipv6/source-address.ts';
import { type Bytes, ipv4At, ipv4Bytes, isLinkLocal6, needsStrict6 } from './address.ts';
import { devQueueXmit, frameOverhead } from './dev.ts';
import { loopbackIfindex, type NetDevice, vrfTable } from './device.ts';
import { leastIpv6Mtu } from './devices.ts';
import { type Errno, routeErrors } from './error.ts';
import { mainTable } from './fib-rules.ts';
import { neighOutput, type Target } from './neigh-output.ts';
import { isValid, neighbourOf } from './neighbour.ts';
import type { Nexthop } from './nexthop.ts';
import type { Skb } from './skb.ts';

/** What programs are told of the world; time goes on with the walk. */
export function bpfEnvironment(walk: Walk): BpfEnvironment {
	return {
		fibLookup: (request) => {
			const answer =
				request.family === 'ipv4' ? bpfIpv4FibLookup(walk, request) : bpfIpv6FibLookup(walk, request);
			const device = walk.net.devices[request.ifindex];
			walk.step('bpf_fib_lookup', device, `the program asks the FIB, which answers ${answer.result}`);
			return answer;
		},
		device: (ifindex) => walk.net.devices[ifindex],
		now: () => BigInt(Math.round(walk.start + walk.time)),
		jiffies: () => Math.floor((walk.start + walk.time) / nanosecondsPerTick),
		random: () => 0x9e3779b1,
	};
}

/** Of a kernel with HZ=250. */
const nanosecondsPerTick = 4_000_000;

const lookupErrors: Readonly<Record<Errno, FibAnswer>> = {
	EINVAL: { result: 'blackhole' },
	EHOSTUNREACH: { result: 'unreachable' },
	EACCES: { result: 'prohibit' },
	EAGAIN: { result: 'not-fwded' },
	ENETUNREACH: { result: 'not-fwded' },
};

/** bpf_ipv4_fib_lookup(): neither the source nor the packet itself is validated. */
function bpfIpv4FibLookup(walk: Walk, request: FibRequest): FibAnswer {
	const { net } = walk;
	const device = net.devices[request.ifindex];
	if (device === undefined) return { result: 'no-device' };
	if (device.conf4.forwarding === 0) return { result: 'fwd-disabled' };
	const destination = ipv4At(request.destination, 0);
	const flow: Flow4 = {
		iif: request.output ? loopbackIfindex : device.ifindex,
		oif: request.output ? device.ifindex : 0,
		l3mdev: 0,
		mark: request.direct ? 0 : request.mark,
		destination,
		source: ipv4At(request.source, 0),
		tos: request.tos,
		protocol: request.protocol,
		sourcePort: request.sourcePort,
		destinationPort: request.destinationPort,
	};
	let result: FibResult | Errno;
	if (request.direct) {
		const table = net.ipv4.tables.get(request.table ?? vrfTable(device) ?? mainTable);
		if (table === undefined) return { result: 'not-fwded' };
		result = fibTableLookup(net, table, flow);
	} else result = fibLookup(net, flow).result;
	if (typeof result === 'string') return lookupErrors[result];
	const { alias } = result;
	if (alias.type !== 'unicast') return { result: 'not-fwded' };
	if (alias.nexthops.nexthops.length > 1) {
		const ways = fibSelectMultipath(net, result);
		result.nexthop = ways[walk.choose(ways.length)] ?? result.nexthop;
	}
	const { nexthop } = result;
	if (nexthop === undefined) return { result: 'not-fwded' };
	const mtu = fibMtu(walk, alias, nexthop);
	if (request.totalLength > mtu) return { result: 'frag-needed', mtu };
	if (nexthop.lightweightTunnel) return { result: 'unsupp-lwt' };
	const { gateway } = nexthop;
	const route = {
		device: nexthop.device.ifindex,
		nextHop: nextHopOf(gateway),
		metric: alias.metric,
		...(request.wantSource
			? {
					source: ipv4Bytes(
						alias.source || inetSelectAddr(net, nexthop.device, gateway?.number ?? destination),
					),
				}
			: {}),
	};
	const target: Target = gateway ?? { family: 'ipv4', number: destination, bytes: ipv4Bytes(destination) };
	return withNeighbour(walk, request, route, nexthop.device, target, mtu);
}

/** ip_mtu_from_fib_result(): an MTU of the route counts only if it is locked, or with ip_forward_use_pmtu. */
function fibMtu({ net }: Walk, { mtu, mtuLocked }: FibAlias, { device }: Nexthop): number {
	const counts = mtuLocked || (net.sysctls.others['net.ipv4.ip_forward_use_pmtu'] ?? 0) !== 0;
	return counts && mtu !== 0 ? mtu : Math.min(device.mtu, 0xfff0);
}

/** bpf_ipv6_fib_lookup() */
function bpfIpv6FibLookup(walk: Walk, request: FibRequest): FibAnswer {
	const { net } = walk;
	const { destination, source } = request;
	if (needsStrict6(destination) || needsStrict6(source)) return { result: 'not-fwded' };
	const device = net.devices[request.ifindex];
	if (device === undefined) return { result: 'no-device' };
	if (device.conf6 === undefined || device.conf6.forwarding === 0) return { result: 'fwd-disabled' };
	const flow: Flow6 = {
		iif: request.output ? loopbackIfindex : device.ifindex,
		oif: request.output ? device.ifindex : 0,
		l3mdev: 0,
		mark: request.direct ? 0 : request.mark,
		destination,
		source,
		trafficClass: (request.flowInfo >>> 20) & 0xff,
		protocol: request.protocol,
		sourcePort: request.sourcePort,
		destinationPort: request.destinationPort,
	};
	let result: ReturnType<typeof fib6Lookup>['result'];
	if (request.direct) {
		const table = net.ipv6.tables.get(request.table ?? vrfTable(device) ?? mainTable);
		result =
			(table && fib6TableLookup(net, table, device.ifindex, flow, { strict: false, reachable: false })) ??
			'ENETUNREACH';
	} else result = fib6Lookup(net, device.ifindex, flow).result;
	if (typeof result === 'string') return { result: 'not-fwded' };
	const error = routeErrors[result.type];
	if (error !== undefined) return result.type === 'throw' ? { result: 'not-fwded' } : lookupErrors[error];
	if (result.type !== 'unicast') return { result: 'not-fwded' };
	const ways = fib6SelectPath(net, result);
	const nexthop = ways[walk.choose(ways.length)] ?? result.nexthop;
	if (nexthop === undefined) return { result: 'not-fwded' };
	const { info } = result;
	const { conf6, mtu: deviceMtu } = nexthop.device;
	const mtu = info.mtuLocked && info.mtu !== 0 ? info.mtu : Math.max(conf6?.mtu || deviceMtu, leastIpv6Mtu);
	if (request.totalLength > mtu) return { result: 'frag-needed', mtu };
	if (nexthop.lightweightTunnel) return { result: 'unsupp-lwt' };
	const { gateway } = nexthop;
	const route = { device: nexthop.device.ifindex, nextHop: nextHopOf(gateway), metric: info.metric };
	const target: Target = gateway ?? { family: 'ipv6', number: 0, bytes: destination };
	if (!request.wantSource) return withNeighbour(walk, request, route, nexthop.device, target, mtu);
	const own = info.preferredSource ?? ipv6DevGetSaddr(net, nexthop.device, destination);
	if (own === undefined) return { result: 'no-src-addr', ...route };
	return withNeighbour(walk, request, { ...route, source: own }, nexthop.device, target, mtu);
}

function nextHopOf(gateway: Nexthop['gateway']): NextHop | undefined {
	return gateway && { family: gateway.family, address: gateway.bytes };
}

type Route = Omit<Extract<FibAnswer, { result: 'no-neigh' }>, 'result'>;

function withNeighbour(
	{ net }: Walk,
	request: FibRequest,
	route: Route,
	device: NetDevice,
	target: Target,
	mtu: number,
): FibAnswer {
	if (request.skipNeighbour) return { result: 'success', ...route, mtu };
	const entry = neighbourOf(net, device, target.family === 'ipv4' ? target.number : target.bytes);
	if (entry === undefined || !isValid(entry)) return { result: 'no-neigh', ...route };
	return {
		result: 'success',
		...route,
		mtu,
		destinationMac: entry.mac ?? new Uint8Array(6),
		sourceMac: device.mac,
	};
}

/** xdp_do_redirect(): the frame goes straight to the driver; a refusal is silent. */
export function xdpDoRedirect(walk: Walk, frame: Bytes, from: NetDevice, redirect: BpfRedirect): Outcome {
	const where = 'xdp_do_redirect';
	const device = redirect.kind === 'broadcast' ? undefined : walk.net.devices[redirect.device];
	const refuse = (text: string): Outcome => {
		walk.step(where, device ?? from, `${text}: the frame ends here, and only the xdp tracepoints tell`);
		return walk.vanish();
	};
	if (device === undefined) return refuse('there is no such device');
	if (!device.up) return refuse(`${device.name} is down`);
	if (frame.length > device.mtu + frameOverhead)
		return refuse(`longer than ${device.name} takes, ${device.mtu + frameOverhead} bytes`);
	if (
		device.far === undefined &&
		(device.vlan !== undefined || device.loopback || device.table !== undefined)
	)
		return refuse(`${device.name} cannot send for XDP`);
	walk.step(where, device, `redirected to ${device.name}`);
	return veth(walk, frame, device);
}

/** XDP_TX and redirects: out of the device's cable (veth_xdp_xmit). */
export function veth(walk: Walk, frame: Bytes, device: NetDevice): Outcome {
	const { far } = device;
	if (far === undefined) return { kind: 'forwarded', device: device.name, frame };
	if (!device.carrier || frame.length > far.mtu + frameOverhead) {
		walk.step(
			'veth_xdp_xmit',
			device,
			device.carrier
				? `longer than the far end takes, ${far.mtu + frameOverhead} bytes`
				: `${device.name} has no carrier`,
		);
		return walk.vanish();
	}
	walk.see({ place: 'arrived', namespace: 'host', device: far.name, frame });
	return { kind: 'forwarded', device: far.name, frame };
}

/**
 * skb_do_redirect()
 * @param receive what comes in again at a device
 */
export function skbDoRedirect(
	walk: Walk,
	skb: Skb,
	redirect: BpfRedirect,
	receive: (skb: Skb, device: NetDevice) => Outcome,
): Outcome {
	const where = 'skb_do_redirect';
	const device = redirect.kind === 'broadcast' ? undefined : walk.net.devices[redirect.device];
	if (device === undefined || redirect.kind === 'peer')
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'unknown' });
	if (redirect.kind === 'neighbour') return bpfRedirectNeigh(walk, { ...skb, device }, redirect.nextHop);
	if ((redirect.flags & ingressFlag) !== 0) {
		walk.step(where, device, `redirected to the input of ${device.name}`);
		return device.up
			? receive(skb, device)
			: walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'no-carrier' });
	}
	walk.step(where, device, `redirected out of ${device.name}`);
	return devQueueXmit(walk, { ...skb, device });
}

/** BPF_F_INGRESS */
const ingressFlag = 1;

/** __bpf_redirect_neigh(): the kernel finds the next hop's Ethernet address. */
function bpfRedirectNeigh(walk: Walk, skb: Skb, nextHop: NextHop | undefined): Outcome {
	const { device, protocol } = skb;
	const refuse = (where: string): Outcome =>
		walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'unknown' });
	if (((skb.data[0] ?? 0) & 1) !== 0) return refuse('__bpf_redirect_neigh');
	if (protocol !== etherType.ipv4 && protocol !== etherType.ipv6) return refuse('__bpf_redirect_neigh');
	const target =
		nextHop === undefined
			? routeOut(walk, skb)
			: {
					...nextHop,
					number: nextHop.family === 'ipv4' ? ipv4At(nextHop.address, 0) : 0,
					bytes: nextHop.address,
				};
	if (target === undefined || (protocol === etherType.ipv6 && target.family !== 'ipv6'))
		return refuse(protocol === etherType.ipv4 ? '__bpf_redirect_neigh_v4' : '__bpf_redirect_neigh_v6');
	walk.step(
		'bpf_redirect_neigh',
		device,
		`given to the kernel to send out of ${device.name} to the next hop`,
	);
	return neighOutput(walk, { ...skb, isRouteless: nextHop !== undefined }, target);
}

/** Where the packet's own destination leads out of the device (ip_route_output_flow, ip6_dst_lookup_flow). */
function routeOut({ net }: Walk, skb: Skb): Target | undefined {
	const { data, device, mark, protocol } = skb;
	const common = {
		iif: loopbackIfindex,
		oif: device.ifindex,
		l3mdev: 0,
		mark,
		protocol: 0,
		sourcePort: 0,
		destinationPort: 0,
	};
	if (protocol === etherType.ipv4) {
		const destination = ipv4At(data, 30);
		const { result } = fibLookup(net, {
			...common,
			destination,
			source: ipv4At(data, 26),
			tos: data[15] ?? 0,
		});
		if (typeof result === 'string' || (result.alias.type !== 'unicast' && result.alias.type !== 'local'))
			return undefined;
		return result.nexthop?.gateway ?? { family: 'ipv4', number: destination, bytes: ipv4Bytes(destination) };
	}
	const destination = data.subarray(38, 54);
	if (isLinkLocal6(destination)) return { family: 'ipv6', number: 0, bytes: destination };
	const { result } = fib6Lookup(net, device.ifindex, {
		...common,
		destination,
		source: data.subarray(22, 38),
		trafficClass: 0,
	});
	if (typeof result === 'string' || result.nexthop === undefined) return undefined;
	return result.nexthop.gateway ?? { family: 'ipv6', number: 0, bytes: destination };
}
