/** Random addresses: such as lead somewhere, and such as nobody can have. */
import type { Family } from '../../packet/address.ts';
import type { Source } from './source.ts';
import { linkLocal, type World } from './world.ts';

/** Networks that only routes lead to, if any does (RFC 5737, RFC 3849). */
const remote: Readonly<Record<Family, readonly [string, ...string[]]>> = {
	ipv4: ['192.0.2', '198.51.100', '203.0.113', '10.99.0'],
	ipv6: ['2001:db8:1::', '2001:db8:2::', '2001:db8:3::', 'fc00:99::'],
};

/** What routes of several ways lead to: which way a packet to it takes nobody can say beforehand. */
export const ambiguous: Readonly<Record<Family, string>> = { ipv4: '100.64.0', ipv6: '2001:db8:ff::' };

function within(network: string, end: number): string {
	return network.includes(':') ? `${network}${end.toString(16)}` : `${network}.${end}`;
}

/** An address of a remote network. */
function remoteAddress(source: Source, family: Family): string {
	return within(source.pick(remote[family]), source.pick([1, 2, 9, 77, 130]));
}

/** Such a network, or a part of it. */
export function remotePrefix(source: Source, family: Family): string {
	const network = source.pick(remote[family]);
	if (family === 'ipv4') {
		return source.weigh([
			[60, `${network}.0/24`],
			[10, `${network}.128/25`],
			[10, `${network}.9/32`],
			[10, `${network.replace(/\.[^.]*$/, '')}.0.0/16`],
			[10, '0.0.0.0/0'],
		]);
	}
	return source.weigh([
		[70, `${network}/64`],
		[10, `${network}9/128`],
		[10, 'fc00::/7'],
		[10, '::/0'],
	]);
}

const impossible = {
	ipv4: [
		...['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.1.2.3', '224.0.0.1', '224.0.0.9', '239.1.1.1'],
		...['255.255.255.255', '240.0.0.1', '169.254.1.1', '10.0.0.255', '10.0.1.255', '10.0.1.0'],
	],
	ipv6: [
		...['::', '::1', '::ffff:10.0.0.1', 'ff01::1', 'ff02::1', 'ff02::9', 'ff05::2', 'ff0e::1', 'ff00::1'],
		...['fe80::1', 'fe80::99', 'fc00:0:1::', 'fec0::1', '64:ff9b::1'],
	],
} as const satisfies Record<Family, readonly string[]>;

/** Any address, whoever may have it. */
export function anyAddress(source: Source, world: World, family: Family): string {
	const { own, near } = world.known[family];
	return source.choose<string>([
		[50, () => remoteAddress(source, family)],
		[20, () => source.anyOf(near)?.address ?? remoteAddress(source, family)],
		[12, () => source.anyOf(own) ?? remoteAddress(source, family)],
		[14, () => source.anyOf(impossible[family]) ?? remoteAddress(source, family)],
		[
			4,
			() => {
				const macs = Object.values(world.router).map(({ mac }) => mac);
				return family === 'ipv6' ? linkLocal(source.anyOf(macs) ?? '') : (source.anyOf(own) ?? '0.0.0.1');
			},
		],
	]);
}

/** Where a packet comes from: mostly from where it should. */
export function sourceAddress(source: Source, world: World, family: Family, device: string): string {
	const near = world.known[family].near.filter((each) => each.device === device);
	return source.choose<string>([
		[45, () => source.anyOf(near)?.address ?? remoteAddress(source, family)],
		[30, () => remoteAddress(source, family)],
		[5, () => within(ambiguous[family], 7)],
		[20, () => anyAddress(source, world, family)],
	]);
}

/** Where it goes to: mostly to somewhere else. */
export function destinationAddress(source: Source, world: World, family: Family, device: string): string {
	const near = world.known[family].near.filter((each) => each.device !== device);
	return source.choose<string>([
		[40, () => remoteAddress(source, family)],
		[30, () => source.anyOf(near)?.address ?? remoteAddress(source, family)],
		[30, () => anyAddress(source, world, family)],
	]);
}

/** A prefix for a rule to match. */
export function matchPrefix(source: Source, world: World, family: Family): string {
	const full = family === 'ipv4' ? 32 : 128;
	return source.choose<string>([
		[60, () => remotePrefix(source, family)],
		[30, () => `${anyAddress(source, world, family)}/${full}`],
		[10, () => (family === 'ipv4' ? '10.0.0.0/16' : 'fc00::/32')],
	]);
}
