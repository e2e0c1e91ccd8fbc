/** The numbers and shapes that the BPF programs share with us. Written by `npm run bpf` from bpf/layout.bpf.c: do not edit. */

/** enum outcome, by number. */
export const outcomes = [
	'not-ip',
	'malformed',
	'link-local',
	'neighbour-discovery',
	'no-tunnel',
	'hop-limit',
	'handed-over',
	'to-stack',
	'forwarded',
	'forwarded-neighbour',
	'route-blackhole',
	'route-unreachable',
	'route-prohibit',
	'not-forwarded',
	'forwarding-off',
	'route-tunnel',
	'too-big',
	'no-source',
	'fib-error',
	'no-room',
	'no-checksum',
	'vlan-tag',
	'other-host',
	'no-decapsulation',
	'outer-fragment',
	'outer-options',
	'inner-not-ip',
	'handed-over-egress',
	'handed-over-refresh',
	'handed-over-answer',
	'handed-over-checksum',
	'decapsulated-to-stack',
	'decapsulated',
	'decapsulated-neighbour',
	'relayed',
	'relayed-neighbour',
	'too-big-answered',
	'too-big-limited',
	'too-big-no-df',
	'egress-refused',
	'loop',
	'offload',
	'inner-malformed',
	'inner-link-local',
	'inner-congested',
	'segmented',
] as const;

/** enum place, by number. */
export const places = [
	'xdp-in',
	'xdp-out',
	'tc-in',
	'tc-out',
	'receive',
	'transmit',
	'drop',
	'arrived',
	'delivered',
] as const;

/** enum fib_result, by number. */
export const fibResults = [
	'success',
	'blackhole',
	'unreachable',
	'prohibit',
	'not-fwded',
	'fwd-disabled',
	'unsupp-lwt',
	'no-neigh',
	'frag-needed',
	'no-src-addr',
] as const;

/** enum encapsulation, by number. */
export const encapsulations = [
	'ip',
	'gre',
	'gue',
	'vxlan',
	'geneve',
] as const;

/** enum tunnel_flag. */
export const tunnelFlags = {
	inheritDscp: 1,
	mayFragment: 2,
	key: 4,
	udpChecksum: 8,
	derivedMac: 16,
} as const;

/** enum tracepoint, by number. */
export const tracepoints = [
	'kfree-skb',
	'xdp-redirect-err',
	'xdp-devmap-xmit',
	'xdp-exception',
] as const;

/** enum drop_interest, by number. */
export const dropInterests = [
	'ignored',
	'wanted',
	'wanted-route',
	'routine',
] as const;

/** enum drop_count, by number. */
export const dropCounts = [
	'routine',
	'too-fast',
	'not-shown',
] as const;

/** struct outcome_count: its bytes, and where its members stand. */
export const outcomeCountLayout = {
	size: 16,
	packets: { offset: 0, size: 8 },
	bytes: { offset: 8, size: 8 },
} as const;

/** struct sighting: its bytes, and where its members stand. */
export const sightingLayout = {
	size: 2096,
	time: { offset: 0, size: 8 },
	location: { offset: 8, size: 8 },
	namespace: { offset: 16, size: 4 },
	device: { offset: 20, size: 4 },
	reason: { offset: 24, size: 4 },
	egress: { offset: 28, size: 4 },
	length: { offset: 32, size: 4 },
	captured: { offset: 36, size: 2 },
	mtu: { offset: 38, size: 2 },
	place: { offset: 40, size: 1 },
	outcome: { offset: 41, size: 1 },
	fib: { offset: 42, size: 1 },
	verdict: { offset: 43, size: 1 },
	routeError: { offset: 44, size: 1 },
	reserved: { offset: 45, size: 3 },
	bytes: { offset: 48, size: 2048 },
} as const;

/** struct tunnel: its bytes, and where its members stand. */
export const tunnelLayout = {
	size: 80,
	source: { offset: 0, size: 16 },
	destination: { offset: 16, size: 16 },
	sourceHash: { offset: 32, size: 16 },
	key: { offset: 48, size: 4 },
	port: { offset: 52, size: 2 },
	innerDestination: { offset: 54, size: 6 },
	innerSource: { offset: 60, size: 6 },
	encapsulation: { offset: 66, size: 1 },
	family: { offset: 67, size: 1 },
	ttl: { offset: 68, size: 1 },
	tos: { offset: 69, size: 1 },
	flags: { offset: 70, size: 1 },
	reserved: { offset: 71, size: 9 },
} as const;

/** enum tunnel_state, by number. */
export const tunnelStates = [
	'empty',
	'live',
	'gone',
] as const;

/** enum prefix_number. */
export const prefixNumbers = {
	ipv6: 0,
	ipv4: 129,
	anyIpv6: 162,
	anyIpv4: 163,
	numbers: 164,
	none: 255,
} as const;

/** struct tunnel_entry: its bytes, and where its members stand. */
export const tunnelEntryLayout = {
	size: 32,
	match: { offset: 0, size: 16 },
	destination: { offset: 16, size: 4 },
	key: { offset: 20, size: 4 },
	counter: { offset: 24, size: 4 },
	state: { offset: 28, size: 4 },
} as const;

/** struct prefix: its bytes, and where its members stand. */
export const prefixLayout = {
	size: 24,
	mask: { offset: 0, size: 16 },
	shorter: { offset: 16, size: 4 },
	reserved: { offset: 20, size: 4 },
} as const;

/** struct drop_key: its bytes, and where its members stand. */
export const dropKeyLayout = {
	size: 96,
	location: { offset: 0, size: 8 },
	outerSource: { offset: 8, size: 16 },
	outerDestination: { offset: 24, size: 16 },
	innerSource: { offset: 40, size: 16 },
	innerDestination: { offset: 56, size: 16 },
	namespace: { offset: 72, size: 4 },
	device: { offset: 76, size: 4 },
	reason: { offset: 80, size: 4 },
	ethertype: { offset: 84, size: 2 },
	tracepoint: { offset: 86, size: 1 },
	routeError: { offset: 87, size: 1 },
	outerFamily: { offset: 88, size: 1 },
	outerProtocol: { offset: 89, size: 1 },
	encapsulation: { offset: 90, size: 1 },
	innerFamily: { offset: 91, size: 1 },
	innerProtocol: { offset: 92, size: 1 },
	withoutHeaders: { offset: 93, size: 1 },
	reserved: { offset: 94, size: 2 },
} as const;

/** struct drop_event: its bytes, and where its members stand. */
export const dropEventLayout = {
	size: 120,
	key: { offset: 0, size: 96 },
	time: { offset: 96, size: 8 },
	packets: { offset: 104, size: 4 },
	length: { offset: 108, size: 4 },
	captured: { offset: 112, size: 2 },
	fromEthernet: { offset: 114, size: 1 },
	reserved: { offset: 115, size: 5 },
	bytes: { offset: 120, size: 0 },
} as const;

/** struct drop_bucket: its bytes, and where its members stand. */
export const dropBucketLayout = {
	size: 432,
	tags: { offset: 0, size: 16 },
	packets: { offset: 16, size: 32 },
	keys: { offset: 48, size: 384 },
} as const;

/** struct drop_prefix: its bytes, and where its members stand. */
export const dropPrefixLayout = {
	size: 36,
	address: { offset: 0, size: 16 },
	mask: { offset: 16, size: 16 },
	family: { offset: 32, size: 4 },
} as const;

/** enum device_flag. */
export const deviceFlags = {
	xdp: 1,
	egress: 2,
	unfinished: 4,
} as const;

/** struct device: its bytes, and where its members stand. */
export const deviceLayout = {
	size: 28,
	address: { offset: 0, size: 6 },
	flags: { offset: 6, size: 1 },
	reserved: { offset: 7, size: 1 },
	ipv4: { offset: 8, size: 4 },
	ipv6: { offset: 12, size: 16 },
} as const;

/** struct endpoint_key: its bytes, and where its members stand. */
export const endpointKeyLayout = {
	size: 20,
	address: { offset: 0, size: 16 },
	port: { offset: 16, size: 2 },
	family: { offset: 18, size: 1 },
	reserved: { offset: 19, size: 1 },
} as const;

/** struct decapsulation_key: its bytes, and where its members stand. */
export const decapsulationKeyLayout = {
	size: 28,
	address: { offset: 0, size: 16 },
	key: { offset: 16, size: 4 },
	port: { offset: 20, size: 2 },
	family: { offset: 22, size: 1 },
	encapsulation: { offset: 23, size: 1 },
	flags: { offset: 24, size: 1 },
	reserved: { offset: 25, size: 3 },
} as const;
