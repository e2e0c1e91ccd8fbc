/** What iproute2 writes for numbers and prefixes, as the plain forms that a scenario has. */
import { type Family, type Prefix, parsePrefix } from '../packet/address.ts';

const tables: Readonly<Record<string, number>> = { unspec: 0, default: 253, main: 254, local: 255 };

/** Decimal or hexadecimal. */
export function parseNumber(text: string): number | undefined {
	return /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : undefined;
}

/** @param own those with names of the host's own; @param name `main` if not given */
export function tableNumber(own: Readonly<Record<string, number>>, name = 'main'): number | undefined {
	return own[name] ?? tables[name] ?? parseNumber(name);
}

/** What was read before: a route's prefix is asked for when it is checked and when it is compared. */
const networks = new Map<string, Prefix | undefined>();
const mostNetworks = 200_000;

/** `default`, `10.0.0.1` or `10.0.0.0/8`; undefined where it is none of the family's. */
export function routeNetwork(family: Family, text: string): Prefix | undefined {
	const key = text === 'default' ? family : text;
	if (networks.has(key)) {
		const known = networks.get(key);
		return known?.family === family ? known : undefined;
	}
	const network = text === 'default' ? parsePrefix(everywhere[family]) : parsePrefix(text);
	if (networks.size >= mostNetworks) networks.clear();
	networks.set(key, network);
	return network?.family === family ? network : undefined;
}

const everywhere: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0/0', ipv6: '::/0' };

/** The same as a scenario writes it: always with its length. */
export function routePrefix(family: Family, text: string): string | undefined {
	const network = routeNetwork(family, text);
	if (network === undefined) return undefined;
	if (text === 'default') return everywhere[family];
	return text.includes('/') ? text : `${text}/${network.length}`;
}

const precedence = { CS: 0, AF1: 1, AF2: 2, AF3: 3, AF4: 4 } as const;

/** A DS field, as a number or by the name that iproute2 has for it (rt_dsfield): the byte of the header. */
export function dsField(text: string): number | undefined {
	const number = parseNumber(text);
	if (number !== undefined) return number;
	if (text === 'EF') return 0xb8;
	const selector = /^CS([0-7])$/.exec(text)?.[1];
	if (selector !== undefined) return Number(selector) << 5;
	const [, kind, drop] = /^(AF[1-4])([1-3])$/.exec(text) ?? [];
	if (kind === undefined) return undefined;
	return (precedence[kind as keyof typeof precedence] << 5) | (Number(drop) << 3);
}

const protocols: Readonly<Record<string, number>> = {
	icmp: 1,
	igmp: 2,
	ipencap: 4,
	ipip: 4,
	tcp: 6,
	udp: 17,
	ipv6: 41,
	gre: 47,
	esp: 50,
	ah: 51,
	'ipv6-icmp': 58,
	icmpv6: 58,
	ospf: 89,
	sctp: 132,
};

/** `tcp`, `17` or `ipproto-17`. */
export function protocolNumber(text: string): number | undefined {
	return protocols[text] ?? parseNumber(text.replace(/^ipproto-/, ''));
}
