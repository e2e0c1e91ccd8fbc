/** A tunnel: which packets are encapsulated, and in what. */
import { EncapForwardError } from '../error.ts';
import { type IpAddress, type Prefix, parseIp, parsePrefix, prefixProblem } from '../packet/address.ts';

export interface Tunnel {
	/** Inner destinations it takes: a prefix such as `2001:db8:1::/48`; the longest that matches wins. */
	readonly match: string;
	/** How: IP in IP (RFC 2003, RFC 2473, RFC 4213). */
	readonly encapsulation: 'ip';
	/** Source address of the outer header. */
	readonly source: string;
	/** Destination address of the outer header, of the source's family. */
	readonly destination: string;
	/** TTL or hop limit of the outer header, 1 to 255; 64 if not given. */
	readonly ttl?: number;
}

/** What `ip link add type ipip` users know as the usual TTL of a new packet. */
export const defaultTtl = 64;

/** A valid tunnel in the form that programs work with. */
export interface ParsedTunnel {
	readonly match: Prefix;
	readonly source: IpAddress;
	readonly destination: IpAddress;
	readonly ttl: number;
}

/** @throws EF_INPUT for a tunnel that cannot be */
export function parseTunnel(tunnel: Tunnel): ParsedTunnel {
	const refusal = (what: string) =>
		new EncapForwardError('EF_INPUT', `the tunnel for ${tunnel.match}: ${what}`);
	const match = parsePrefix(tunnel.match);
	const source = parseIp(tunnel.source);
	const destination = parseIp(tunnel.destination);
	const { ttl = defaultTtl } = tunnel;
	if (match === undefined) throw refusal(`match: ${prefixProblem(tunnel.match)}`);
	if (source === undefined) throw refusal(`source: "${tunnel.source}" is not an IP address`);
	if (destination === undefined) throw refusal(`destination: "${tunnel.destination}" is not an IP address`);
	if (source.family !== destination.family) throw refusal('source and destination are not of one family');
	if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) throw refusal(`ttl: ${ttl} is not from 1 to 255`);
	return { match, source, destination, ttl };
}
