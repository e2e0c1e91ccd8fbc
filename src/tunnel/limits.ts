/** The numbers a tunnel's members may have, and what they are when not given. */
import { udpPort } from '../packet/protocol.ts';

/** From and to, both included. */
export const limits: Readonly<Record<'ttl' | 'dscp' | 'key' | 'vni' | 'port', readonly [number, number]>> = {
	/** Of an IP header (RFC 791, RFC 8200); a packet with 0 goes nowhere. */
	ttl: [1, 255],
	/** The upper six bits of the traffic class (RFC 2474). */
	dscp: [0, 63],
	/** RFC 2890 section 2.1 */
	key: [0, 0xffff_ffff],
	/** RFC 7348 section 5, RFC 8926 section 3.4 */
	vni: [0, 0xff_ffff],
	/** A UDP port that can be written to a header; 0 is none. */
	port: [1, 65_535],
};

/** TTL or hop limit of an outer header, the usual one of a new packet (RFC 1700). */
export const defaultTtl = 64;

/** UDP destination ports: IANA's, which are those of `ip link add` too when it is told nothing else. */
export const defaultPort: typeof udpPort = udpPort;
