/** What a found IPv4 route means: net/ipv4/fib_semantics.c. */
import { masterIfindex, type NetDevice } from '../core/device.ts';
import { isValid, neighbourOf } from '../core/neighbour.ts';
import type { Net } from '../core/net.ts';
import type { Nexthop } from '../core/nexthop.ts';
import { type FibResult, ignoresLinkDown } from './fib-trie.ts';

/** fib_info_nh_uses_dev(): whether one of a route's next hops, or its VRF, is this device. */
export function fibInfoNhUsesDev({ alias }: FibResult, device: NetDevice): boolean {
	return alias.nexthops.nexthops.some(
		(hop) => hop.device === device || masterIfindex(hop.device) === device.ifindex,
	);
}

/**
 * fib_select_multipath(), nexthop_path_fib_result(): the next hops that a packet can be sent to. Which of them
 * it is depends on a hash with a key of the kernel's own, that nobody knows.
 */
export function fibSelectMultipath(net: Net, { alias, nexthop }: FibResult): readonly Nexthop[] {
	const { nexthops, object } = alias.nexthops;
	if (object === 'group') {
		const good = nexthops.filter((hop) => hasGoodNeighbour(net, hop));
		return good.length > 0 ? good : nexthops.slice(0, 1);
	}
	const alive = nexthops.filter((hop) => !hop.dead && !(hop.linkDown && ignoresLinkDown(net, hop)));
	if (net.sysctls.others['net.ipv4.fib_multipath_use_neigh']) {
		const good = alive.filter((hop) => hop.gateway === undefined || hasGoodNeighbour(net, hop));
		if (good.length > 0) return good;
		return nexthop === undefined ? [] : [nexthop];
	}
	return alive;
}

/** fib_good_nh(), nexthop_is_good_nh(): nothing known of it counts as good. */
function hasGoodNeighbour(net: Net, { device, gateway }: Nexthop): boolean {
	if (gateway === undefined) return true;
	const entry = neighbourOf(net, device, gateway.family === 'ipv4' ? gateway.number : gateway.bytes);
	return entry === undefined || isValid(entry);
}
