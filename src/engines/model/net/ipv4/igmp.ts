/** Which IPv4 multicast groups the host is in: net/ipv4/igmp.c. Nothing on it has joined one of its own. */

/** All hosts, 224.0.0.1: every device is in it. */
const allHosts = 0xe0000001;

/** ip_check_mc_rcu() */
export function ipCheckMulticast(group: number): boolean {
	return group === allHosts;
}
