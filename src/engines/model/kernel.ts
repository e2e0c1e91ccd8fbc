/** The kernel that is modelled: its release, and the drop reasons that it has. */
import { EncapForwardError } from '../../error.ts';

export interface Kernel {
	/** As uname says it: `6.1.0-49-amd64`. */
	readonly release: string;
	/** Major and minor version as one number that can be compared: 6.1 is 6001. */
	readonly version: number;
}

/** What is modelled if nothing is said: the newest that was held against the real one. */
export const newestKernel = '6.18.0';

/** The oldest kernel that the project supports. */
const oldest = 5010;

/** @throws EF_INPUT unless it is a release from 5.10 on */
export function parseKernel(release: string): Kernel {
	const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
	const version = Number(major) * 1000 + Number(minor);
	if (version >= oldest) return { release, version };
	throw new EncapForwardError(
		'EF_INPUT',
		`"${release}" is no kernel release that can be modelled: give one from 5.10 on, such as 6.1`,
	);
}

/**
 * The first version in which the kernel gives each reason on the IP paths (include/net/dropreason-core.h and
 * its callers): before it, NOT_SPECIFIED, or nothing at all.
 */
const since = {
	NOT_SPECIFIED: 5017,
	NO_SOCKET: 5017,
	UDP_CSUM: 5017,
	TCP_CSUM: 5017,
	PKT_TOO_SMALL: 5018,
	OTHERHOST: 5018,
	IP_CSUM: 5018,
	IP_INHDR: 5018,
	IP_RPFILTER: 5018,
	UNICAST_IN_L2_MULTICAST: 5018,
	IP_NOPROTO: 5018,
	IPV6DISABLED: 5018,
	NEIGH_CREATEFAIL: 5018,
	NEIGH_FAILED: 5018,
	NEIGH_QUEUEFULL: 5018,
	NEIGH_DEAD: 5018,
	QDISC_DROP: 5018,
	TC_INGRESS: 5018,
	UNHANDLED_PROTO: 5018,
	ICMP_CSUM: 5019,
	INVALID_PROTO: 5019,
	IP_INADDRERRORS: 5019,
	IP_INNOROUTES: 5019,
	PKT_TOO_BIG: 5019,
	FRAG_REASM_TIMEOUT: 6002,
	QUEUE_PURGE: 6006,
	IP_LOCAL_SOURCE: 6013,
	IP_INVALID_SOURCE: 6013,
	IP_LOCALNET: 6013,
	IP_INVALID_DEST: 6013,
} as const;

export type Reason = keyof typeof since;

/** What this kernel says where the newest says so. */
export function reasonName(kernel: Kernel, reason: Reason): Reason {
	return kernel.version >= since[reason] ? reason : 'NOT_SPECIFIED';
}
