import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EncapForwardError } from '../error.ts';
import { parseSnapshot } from './parse-snapshot.ts';
import type { Snapshot } from './snapshot.ts';

const folder = new URL('../../test/explain/cases/', import.meta.url);

function stored(name: string): Snapshot {
	return (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { snapshot: Snapshot }).snapshot;
}

type Loose = Record<string, unknown> & {
	links: Record<string, unknown>[];
	routes: { ipv4: Record<string, unknown>[]; ipv6: Record<string, unknown>[] };
	rules: { ipv4: Record<string, unknown>[]; ipv6: Record<string, unknown>[] };
	neighbours: Record<string, unknown>[];
	nextHops: Record<string, unknown>[];
	sysctls: Record<string, unknown>;
};

function firstAddress({ links }: Loose): object {
	const [address] = (links[0]?.addr_info ?? []) as object[];
	return address ?? {};
}

function refusal(change: (snapshot: Loose) => void): string {
	const snapshot = structuredClone(stored('tailscale-19537.json')) as unknown as Loose;
	change(snapshot);
	try {
		parseSnapshot(JSON.stringify(snapshot), 'file.json');
		return 'taken';
	} catch (error) {
		expect(error).toBeInstanceOf(EncapForwardError);
		const { code, message } = error as EncapForwardError;
		expect(code).toBe('EF_SNAPSHOT');
		return message;
	}
}

test.each(readdirSync(folder).filter((name) => name.endsWith('.json')))('%s is whole', (name) => {
	const snapshot = stored(name);
	expect(parseSnapshot(JSON.stringify(snapshot), name)).toEqual(snapshot);
});

test.each<[string, (snapshot: Loose) => void]>([
	['routes: it is missing', (each) => Reflect.deleteProperty(each, 'routes')],
	['kernel: it is missing', (each) => Reflect.deleteProperty(each, 'kernel')],
	['links[1].ifname: it is missing', (each) => Reflect.deleteProperty(each.links[1] ?? {}, 'ifname')],
	['routes.ipv6: it is missing', (each) => Reflect.deleteProperty(each.routes, 'ipv6')],
	['links[1].mtu: "1500" stands where', (each) => Object.assign(each.links[1] ?? {}, { mtu: '1500' })],
	['hostname: a snapshot has no such member', (each) => Object.assign(each, { hostname: 'secret' })],
	['it is of version 2', (each) => Object.assign(each, { version: 2 })],
	['version: 0 stands where', (each) => Object.assign(each, { version: 0 })],
	[
		'links[2].ifname: there are two devices lo',
		(each) => Object.assign(each.links[2] ?? {}, { ifname: 'lo' }),
	],
	['links[1].master: ens4 belongs to br9', (each) => Object.assign(each.links[1] ?? {}, { master: 'br9' })],
	[
		'links[0].addr_info[0].local: "nothing"',
		(each) => Object.assign(firstAddress(each), { local: 'nothing' }),
	],
	['links[0].addr_info[0].prefixlen: 33', (each) => Object.assign(firstAddress(each), { prefixlen: 33 })],
	['net.ipv4.ip_forward is missing', (each) => Reflect.deleteProperty(each.sysctls, 'net.ipv4.ip_forward')],
	[
		'net.ipv4.conf.ens4.rp_filter is missing',
		(each) => Reflect.deleteProperty(each.sysctls, 'net.ipv4.conf.ens4.rp_filter'),
	],
	[
		'sysctls.net.ipv4.ip_forward: "1" stands where',
		(each) => Object.assign(each.sysctls, { 'net.ipv4.ip_forward': '1' }),
	],
	[
		'routes.ipv4[0].dev: eth9 is not among the links',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { dev: 'eth9' }),
	],
	[
		'routes.ipv4[0].dst: "10.0.0.0/33" is no ipv4 prefix',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { dst: '10.0.0.0/33' }),
	],
	[
		'routes.ipv4[0].gateway: "gw" is no IP address',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { gateway: 'gw' }),
	],
	[
		'routes.ipv4[0].table: the number of the table "isp" is not known',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { table: 'isp' }),
	],
	[
		'routes.ipv4[0].nhid: the next hop 7 is not among nextHops',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { nhid: 7 }),
	],
	[
		'routes.ipv4[0].type: "nat" is no type of route',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { type: 'nat' }),
	],
	[
		'routes.ipv4[0].nexthops[1].dev: eth8',
		(each) => Object.assign(each.routes.ipv4[0] ?? {}, { nexthops: [{ dev: 'ens4' }, { dev: 'eth8' }] }),
	],
	[
		'rules.ipv4[1].fwmark: "many" is no number',
		(each) => Object.assign(each.rules.ipv4[1] ?? {}, { fwmark: 'many' }),
	],
	[
		'rules.ipv4[1].src: "10.0.0" is no ipv4 address',
		(each) => Object.assign(each.rules.ipv4[1] ?? {}, { src: '10.0.0' }),
	],
	['rules.ipv4[1].goto: 5 is not behind', (each) => Object.assign(each.rules.ipv4[1] ?? {}, { goto: 5 })],
	[
		'rules.ipv4[1].tos: "XY" is no DS field',
		(each) => Object.assign(each.rules.ipv4[1] ?? {}, { tos: 'XY' }),
	],
	[
		'rules.ipv4[1].ipproto: the number of the protocol "nosuch"',
		(each) => Object.assign(each.rules.ipv4[1] ?? {}, { ipproto: 'nosuch' }),
	],
	[
		'neighbours[0].dev: eth9',
		(each) => each.neighbours.unshift({ dst: '10.0.0.1', dev: 'eth9', state: ['STALE'] }),
	],
	['neighbours[0].state: it is missing', (each) => each.neighbours.unshift({ dst: '10.0.0.1', dev: 'ens4' })],
	['nextHops[0].group: the next hop 3', (each) => each.nextHops.unshift({ id: 1, group: [{ id: 3 }] })],
	[
		'forwarder.interfaces[0].name: eth9',
		(each) =>
			Object.assign(each, { forwarder: { interfaces: [{ name: 'eth9', hooks: ['xdp'] }], tunnels: [] } }),
	],
	[
		'forwarder.tunnels[0]',
		(each) => Object.assign(each, { forwarder: { interfaces: [], tunnels: [{ match: 'x' }] } }),
	],
	['unknown[0]', (each) => Object.assign(each, { unknown: ['weather'] })],
])('%s', (words, change) => {
	expect(refusal(change)).toContain(`file.json: ${/^(it|net)/.test(words) ? '' : words}`);
	expect(refusal(change)).toContain(words);
});

test.each([
	['', 'this is not JSON'],
	['{', 'this is not JSON'],
	['null', 'null stands where an object is expected'],
	['[]', 'version'],
	['{}', 'version: it is missing'],
])('a file of %s', (text, words) => {
	expect(() => parseSnapshot(text, 'x')).toThrow(words);
});
