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
} as const;

/** struct outcome_count: its bytes, and where its members stand. */
export const outcomeCountLayout = {
	size: 16,
	packets: { offset: 0, size: 8 },
	bytes: { offset: 8, size: 8 },
} as const;

/** struct sighting: its bytes, and where its members stand. */
export const sightingLayout = {
	size: 560,
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
	reserved: { offset: 44, size: 4 },
	bytes: { offset: 48, size: 512 },
} as const;

/** struct tunnel: its bytes, and where its members stand. */
export const tunnelLayout = {
	size: 72,
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
	reserved: { offset: 71, size: 1 },
} as const;

/** struct tunnel_key_ipv4: its bytes, and where its members stand. */
export const tunnelKeyIpv4Layout = {
	size: 8,
	prefixLength: { offset: 0, size: 4 },
	address: { offset: 4, size: 4 },
} as const;

/** struct tunnel_key_ipv6: its bytes, and where its members stand. */
export const tunnelKeyIpv6Layout = {
	size: 20,
	prefixLength: { offset: 0, size: 4 },
	address: { offset: 4, size: 16 },
} as const;
