/** Where an incoming IPv4 packet goes: net/ipv4/route.c. */
import type { Cause } from '../../../../journey/cause.ts';
import type { Outcome } from '../../../../journey/journey.ts';
import { formatMac } from '../../../../packet/address.ts';
import type { Reason } from '../../kernel.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { ipv4Text, isBroadcast4, isLoopback4, isMulticast4 } from '../core/address.ts';
import type { NetDevice } from '../core/device.ts';
import type { Errno } from '../core/error.ts';
import { skbPorts } from '../core/flow-dissector.ts';
import type { Nexthop } from '../core/nexthop.ts';
import type { Skb } from '../core/skb.ts';
import type { FibAlias } from './fib.ts';
import { fibValidateSource, type SourceError } from './fib-frontend.ts';
import { fibLookup } from './fib-rules.ts';
import { fibSelectMultipath } from './fib-semantics.ts';
import type { FibResult, Flow4 } from './fib-trie.ts';
import { icmpSend } from './icmp.ts';
import { ipCheckMulticast } from './igmp.ts';

/** What the route says is to be done with the packet (dst->input). */
export type InputRoute =
	| { readonly kind: 'local'; readonly type: 'local' | 'broadcast' | 'multicast' }
	| { readonly kind: 'forward'; readonly alias: FibAlias; readonly nexthop: Nexthop }
	| { readonly kind: 'error'; readonly error: Errno }
	/** It must not be: dropped without a route. */
	| {
			readonly kind: 'martian';
			readonly reason: Reason;
			readonly cause: Cause;
			readonly counters?: readonly string[];
	  };

const sourceRefusals: Readonly<Record<SourceError, Omit<Extract<InputRoute, { kind: 'martian' }>, 'kind'>>> =
	{
		local: { reason: 'IP_LOCAL_SOURCE', cause: 'source-is-local' },
		invalid: { reason: 'IP_INVALID_SOURCE', cause: 'source-invalid' },
		'reverse-path': { reason: 'IP_RPFILTER', cause: 'reverse-path', counters: ['TcpExtIPReversePathFilter'] },
	};

/** ip_route_input_slow(), behind ip_route_input_rcu(), which sorts out multicast. */
export function ipRouteInputSlow(
	walk: Walk,
	skb: Skb,
	destination: number,
	source: number,
	device: NetDevice,
): InputRoute {
	const { net } = walk;
	const { all4 } = net.sysctls;
	const { conf4 } = device;
	const where = 'ip_route_input_slow';
	const martianSource = (reason: Reason, cause: Cause, why: string): InputRoute => {
		walk.step(where, device, why);
		logMartianSource(walk, skb, destination, source, device);
		return { kind: 'martian', reason, cause };
	};
	const martianDestination = (reason: Reason, cause: Cause, why: string): InputRoute => {
		walk.step(where, device, why);
		logMartianDestination(walk, destination, source, device);
		return { kind: 'martian', reason, cause };
	};
	const routeLocalnet = (all4.route_localnet | conf4.route_localnet) !== 0;

	if (isMulticast4(destination)) return ipRouteInputMc(walk, skb, destination, source, device);
	if (isMulticast4(source) || isBroadcast4(source))
		return martianSource(
			'IP_INVALID_SOURCE',
			'source-invalid',
			`${ipv4Text(source)} can be nobody's source: refused`,
		);
	if (isBroadcast4(destination) || (source === 0 && destination === 0))
		return broadcastInput(walk, skb, destination, source, device);
	if (source === 0)
		return martianSource(
			'IP_INVALID_SOURCE',
			'source-invalid',
			'0.0.0.0 can be no source of what is not broadcast: refused',
		);
	if (destination === 0)
		return martianDestination(
			'IP_INVALID_DEST',
			'destination-invalid',
			'0.0.0.0 can be no destination: refused',
		);
	if (isLoopback4(destination) && !routeLocalnet)
		return martianDestination(
			'IP_LOCALNET',
			'loopback-address',
			`${ipv4Text(destination)} is a loopback address and route_localnet is 0: refused`,
		);
	if (!isLoopback4(destination) && isLoopback4(source) && !routeLocalnet)
		return martianSource(
			'IP_LOCALNET',
			'loopback-address',
			`${ipv4Text(source)} is a loopback address and route_localnet is 0: refused`,
		);

	const flow: Flow4 = {
		iif: device.ifindex,
		oif: 0,
		l3mdev: 0,
		destination,
		source,
		tos: skb.tos,
		mark: skb.mark,
		...(net.ipv4.requireFlowDissection ? skbPorts(skb) : noPorts),
	};
	const { result, rule } = fibLookup(net, flow);
	const by = rule === undefined ? '' : `, by rule ${rule.priority}`;
	const forwards = conf4.forwarding !== 0;
	if (typeof result === 'string') {
		const error = forwards ? result : 'EHOSTUNREACH';
		walk.step(
			where,
			device,
			`${lookupErrors[result]} to ${ipv4Text(destination)}${by}${forwards ? '' : `, and forwarding is off on ${device.name}`}`,
		);
		return { kind: 'error', error };
	}
	const { alias } = result;
	walk.step(where, device, `${ipv4Text(destination)} is routed by ${describeRoute(result)}${by}`);
	if (alias.type === 'broadcast') {
		if ((all4.bc_forwarding & conf4.bc_forwarding) === 0)
			return broadcastInput(walk, skb, destination, source, device);
		return ipMkrouteInput(walk, skb, result, device, destination, source);
	}
	if (alias.type === 'local') {
		const wrong = fibValidateSource(walk, skb, source, destination, 0, device);
		if (wrong !== undefined) return refuseSource(walk, skb, wrong, destination, source, device);
		return { kind: 'local', type: 'local' };
	}
	if (!forwards) {
		walk.step(
			where,
			device,
			`net.ipv4.conf.${device.name}.forwarding is 0: what comes in by ${device.name} is not forwarded`,
		);
		return { kind: 'error', error: 'EHOSTUNREACH' };
	}
	if (alias.type !== 'unicast')
		return martianDestination(
			'IP_INVALID_DEST',
			'destination-invalid',
			`a route of type ${alias.type} is none to forward by: refused`,
		);
	return ipMkrouteInput(walk, skb, result, device, destination, source);
}

const noPorts = { protocol: 0, sourcePort: 0, destinationPort: 0 } as const;

const lookupErrors: Readonly<Record<Errno, string>> = {
	ENETUNREACH: 'no route',
	EAGAIN: 'no route',
	EHOSTUNREACH: 'an unreachable route',
	EACCES: 'a prohibit route',
	EINVAL: 'a blackhole route',
};

function describeRoute({ alias, nexthop }: FibResult): string {
	const prefix = alias.length === 0 ? 'default' : `${ipv4Text(alias.prefix)}/${alias.length}`;
	const type = alias.type === 'unicast' ? '' : `${alias.type} `;
	const via = nexthop?.gateway === undefined ? '' : ` via ${nexthop.gateway.text}`;
	return `${type}${prefix}${via} dev ${nexthop?.device.name ?? '?'} of table ${alias.table}`;
}

function refuseSource(
	walk: Walk,
	skb: Skb,
	wrong: SourceError,
	destination: number,
	source: number,
	device: NetDevice,
): InputRoute {
	logMartianSource(walk, skb, destination, source, device);
	return { kind: 'martian', ...sourceRefusals[wrong] };
}

/** Behind the label brd_input. */
function broadcastInput(
	walk: Walk,
	skb: Skb,
	destination: number,
	source: number,
	device: NetDevice,
): InputRoute {
	if (source !== 0) {
		const wrong = fibValidateSource(walk, skb, source, 0, 0, device);
		if (wrong !== undefined) return refuseSource(walk, skb, wrong, destination, source, device);
	}
	walk.step('ip_route_input_slow', device, `${ipv4Text(destination)} is a broadcast: for the host itself`);
	return { kind: 'local', type: 'broadcast' };
}

/** ip_route_input_rcu() and ip_route_input_mc() for a multicast destination. */
function ipRouteInputMc(
	walk: Walk,
	skb: Skb,
	destination: number,
	source: number,
	device: NetDevice,
): InputRoute {
	const where = 'ip_route_input_mc';
	const ours = ipCheckMulticast(destination);
	if (!ours) {
		walk.step(
			'ip_route_input_rcu',
			device,
			`the host is in no group ${ipv4Text(destination)} on ${device.name}`,
		);
		return { kind: 'martian', reason: 'NOT_SPECIFIED', cause: 'destination-invalid' };
	}
	const { all4 } = walk.net.sysctls;
	if (isMulticast4(source) || isBroadcast4(source)) return { kind: 'martian', ...sourceRefusals.invalid };
	if (isLoopback4(source) && (all4.route_localnet | device.conf4.route_localnet) === 0)
		return { kind: 'martian', reason: 'IP_LOCALNET', cause: 'loopback-address' };
	if (source === 0) {
		if (destination >>> 8 !== 0xe00000) return { kind: 'martian', ...sourceRefusals.invalid };
	} else {
		const wrong = fibValidateSource(walk, skb, source, 0, 0, device);
		if (wrong !== undefined) return { kind: 'martian', ...sourceRefusals[wrong] };
	}
	walk.step(where, device, `${ipv4Text(destination)} is a group the host is in`);
	return { kind: 'local', type: 'multicast' };
}

/** ip_mkroute_input(), __mkroute_input() */
function ipMkrouteInput(
	walk: Walk,
	skb: Skb,
	result: FibResult,
	device: NetDevice,
	destination: number,
	source: number,
): InputRoute {
	if (result.alias.nexthops.nexthops.length > 1) selectPath(walk, result, device);
	const { nexthop, alias } = result;
	if (nexthop === undefined) return { kind: 'error', error: 'EINVAL' };
	const wrong = fibValidateSource(walk, skb, source, destination, nexthop.device.ifindex, device);
	if (wrong !== undefined) return refuseSource(walk, skb, wrong, destination, source, device);
	return { kind: 'forward', alias, nexthop };
}

/** Take one of a route's next hops, as the kernel does by a hash. */
function selectPath(walk: Walk, result: FibResult, device: NetDevice): void {
	const ways = fibSelectMultipath(walk.net, result);
	const chosen = ways[walk.choose(ways.length)];
	if (chosen !== undefined) result.nexthop = chosen;
	if (ways.length < 2) return;
	walk.step(
		'fib_select_multipath',
		device,
		`one of ${ways.length} next hops by a hash that cannot be foretold, here that out of ${result.nexthop?.device.name}`,
	);
}

/** ip_handle_martian_source() */
function logMartianSource(
	walk: Walk,
	skb: Skb,
	destination: number,
	source: number,
	device: NetDevice,
): void {
	if (!logsMartians(walk, device)) return;
	walk.log = `martian source ${ipv4Text(destination)} from ${ipv4Text(source)}, on dev ${device.name}\nll header: ${formatMac(skb.data.subarray(0, 14)).replaceAll(':', ' ')}`;
}

function logMartianDestination(walk: Walk, destination: number, source: number, device: NetDevice): void {
	if (!logsMartians(walk, device)) return;
	walk.log = `martian destination ${ipv4Text(destination)} from ${ipv4Text(source)}, dev ${device.name}`;
}

function logsMartians({ net }: Walk, device: NetDevice): boolean {
	return (net.sysctls.all4.log_martians | device.conf4.log_martians) !== 0;
}

/** ip_error(): there is no way, and the sender may be told. */
export function ipError(walk: Walk, skb: Skb, device: NetDevice, error: Errno): Outcome {
	const where = 'ip_error';
	if (device.conf4.forwarding === 0)
		return walk.drop(skb, {
			reason: 'IP_INADDRERRORS',
			where,
			cause: 'forwarding-off',
			counters: ['IpInAddrErrors'],
		});
	const answer = routeErrorAnswers[error];
	if (answer.code !== undefined) icmpSend(walk, skb, 3, answer.code);
	return walk.drop(skb, { where, ...answer.refusal });
}

interface Answer {
	readonly code?: number;
	readonly refusal: Omit<Refusal, 'where'>;
}

const noRoute: Answer = {
	code: 0,
	refusal: { reason: 'IP_INNOROUTES', cause: 'no-route', counters: ['IpExtInNoRoutes'] },
};

const routeErrorAnswers: Readonly<Record<Errno, Answer>> = {
	ENETUNREACH: noRoute,
	EAGAIN: noRoute,
	EHOSTUNREACH: { code: 1, refusal: { reason: 'NOT_SPECIFIED', cause: 'route-unreachable' } },
	EACCES: { code: 13, refusal: { reason: 'NOT_SPECIFIED', cause: 'route-prohibit' } },
	EINVAL: { refusal: { reason: 'NOT_SPECIFIED', cause: 'route-blackhole' } },
};
