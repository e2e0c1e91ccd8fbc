import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { datapathObjects } from '../datapath/object-bytes.ts';
import { openDatapaths } from '../engines/model/datapath.ts';
import { openModelEngine } from '../engines/model/engine.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { costOf } from './change.ts';
import { changesOf } from './changes.ts';
import { explain } from './explain.ts';
import { factsOf } from './facts.ts';
import { describedFrame } from './frame-source.ts';
import { hostOf } from './host.ts';
import { parseSnapshot } from './parse-snapshot.ts';
import { ask, type Question } from './question.ts';
import type { Snapshot } from './snapshot.ts';
import { scenarioOf } from './state.ts';
import { explanationText } from './text.ts';

const folder = new URL('../../test/explain/cases/', import.meta.url);
const names = readdirSync(folder).map((name) => name.replace('.json', ''));
const engine = openModelEngine();

const snapshots = new Map(
	names.map((name) => {
		const { snapshot } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as {
			snapshot: Snapshot;
		};
		return [name, parseSnapshot(JSON.stringify(snapshot), name)];
	}),
);

function stored(name: string): Snapshot {
	const snapshot = snapshots.get(name);
	if (snapshot === undefined) throw new Error(`no case ${name}`);
	return snapshot;
}

function question(name: string, device: string, packet: string, more: Partial<Question> = {}): Question {
	return { snapshot: stored(name), device, frame: describedFrame(packet), ...more };
}

test('a next hop that nobody has asked for yet: both answers are told', async () => {
	const result = await explain(
		engine,
		question('kubernetes-124587', 'ens3', 'ipv4 192.168.27.9 > 198.51.100.7 icmp'),
	);
	expect(result.journey.outcome).toMatchObject({ kind: 'dropped', cause: 'forwarding-off' });
	const forwarding = stored('moby-22297');
	const open = await explain(engine, {
		snapshot: forwarding,
		device: 'docker0',
		frame: describedFrame('ipv4 172.17.0.2 > 198.51.100.7 icmp'),
	});
	expect(open.journey.outcome).toMatchObject({ kind: 'forwarded', device: 'eth0' });
	expect(open.alternatives).toMatchObject([
		{
			condition: expect.stringContaining('192.168.0.1 does not answer'),
			journey: { outcome: { kind: 'dropped', cause: 'neighbour-failed' } },
		},
	]);
	expect(explanationText('host', open).join('\n')).toContain('But if 192.168.0.1 does not answer');
});

test('rules that may have been there once: the source of a broadcast address', async () => {
	const result = await explain(
		engine,
		question('moby-22297', 'docker0', 'ipv4 172.17.255.255 > 192.168.0.9 icmp'),
	);
	expect(result.journey.outcome.kind).toBe('forwarded');
	expect(result.alternatives[0]).toMatchObject({
		condition: expect.stringContaining('rule was ever added'),
		journey: { outcome: { kind: 'dropped', cause: 'source-invalid' } },
	});
});

const partsOf = ({ solutions }: Awaited<ReturnType<typeof explain>>): string[] | undefined =>
	solutions[0]?.changes.map(({ text }) => text);

test('no route, and forwarding off: both are given, a next hop on the link is taken to answer', async () => {
	const snapshot = stored('moby-22297');
	const routes = snapshot.routes.ipv4.filter(({ dst }) => dst !== 'default');
	const sysctls = { ...snapshot.sysctls, 'net.ipv4.conf.docker0.forwarding': 0 };
	const result = await explain(engine, {
		snapshot: { ...snapshot, routes: { ...snapshot.routes, ipv4: routes }, sysctls },
		device: 'docker0',
		frame: describedFrame('ipv4 172.17.0.2 > 198.51.100.7 icmp'),
	});
	expect(result.journey.outcome).toMatchObject({ kind: 'dropped', cause: 'forwarding-off' });
	expect(partsOf(result)).toEqual([
		'sysctl -w net.ipv4.conf.docker0.forwarding=1',
		'ip route add 198.51.100.7/32 dev eth0',
	]);
	expect(explanationText('host', result).join(' ').replace(/ +/g, ' ')).toContain(
		'198.51.100.7 has to be on its link',
	);
});

test('what the outer header lacks is found though the packet was dropped before it had one', async () => {
	const snapshot = stored('moby-22297');
	const tunnel: Tunnel = {
		match: '2001:db8:1::/48',
		encapsulation: 'ip',
		source: '192.168.0.5',
		destination: '198.51.100.7',
	};
	const sysctls = { ...snapshot.sysctls, 'net.ipv4.conf.docker0.forwarding': 0 };
	const result = await explain(openModelEngine({ datapaths: openDatapaths(datapathObjects()) }), {
		snapshot: { ...snapshot, sysctls },
		device: 'docker0',
		frame: describedFrame('ipv6 2001:db8::1 > 2001:db8:1::5 udp'),
		tunnels: [tunnel],
		hook: 'tc',
	});
	expect(result.journey.outcome).toMatchObject({ kind: 'dropped', cause: 'forwarding-off' });
	expect(partsOf(result)).toEqual(['sysctl -w net.ipv4.conf.docker0.forwarding=1']);
});

test('the mark decides which table is asked', async () => {
	const packet = 'ipv4 192.200.0.101 > 10.128.0.2 icmp';
	const plain = await explain(engine, question('tailscale-19537', 'ens4', packet));
	const texts = plain.solutions.map(({ changes }) => changes.map(({ text }) => text).join(' and '));
	expect(texts[0]).toBe('sysctl -w net.ipv4.conf.ens4.rp_filter=2');
	expect(texts).not.toContainEqual(expect.stringContaining('src_valid_mark=1'));
});

test('the host is not what drops it: nothing is to be changed', async () => {
	const result = await explain(
		engine,
		question('moby-22297', 'docker0', 'ipv4 172.17.0.2 > 198.51.100.7 icmp'),
	);
	expect(result.solutions).toEqual([]);
	expect(explanationText('host', result).join(' ').replace(/ +/g, ' ')).toContain(
		'this host is not what drops it; look further there',
	);
});

test('two ways of which one is lost: both are told, and what helps makes both good', async () => {
	const snapshot = stored('moby-22297');
	const nexthops = [
		{ gateway: '192.168.0.1', dev: 'eth0', weight: 1, flags: [] },
		{ gateway: '192.168.0.2', dev: 'eth0', weight: 1, flags: [] },
	];
	const routes = snapshot.routes.ipv4.map((route) =>
		route.dst === 'default'
			? { type: 'unicast', dst: 'default', table: 'main', protocol: 'boot', nexthops }
			: route,
	);
	const neighbours = [
		{ dst: '192.168.0.1', dev: 'eth0', lladdr: '02:00:00:00:00:77', state: ['REACHABLE'] },
		{ dst: '192.168.0.2', dev: 'eth0', state: ['FAILED'] },
	];
	const result = await explain(engine, {
		snapshot: { ...snapshot, routes: { ...snapshot.routes, ipv4: routes }, neighbours },
		device: 'docker0',
		frame: describedFrame('ipv4 172.17.0.2 > 198.51.100.7 icmp'),
	});
	const ends = [result.journey.outcome, ...(result.journey.alternatives ?? [])];
	expect(ends.map(({ kind }) => kind).sort()).toEqual(['dropped', 'forwarded']);
	expect(result.solutions[0]?.changes[0]?.text).toContain('192.168.0.2');
	expect(explanationText('host', result).join(' ')).toContain('as the kernel chooses among several ways');
});

test('a service that nobody offers', async () => {
	const result = await explain(
		engine,
		question('moby-22297', 'eth0', 'ipv4 192.168.0.9 > 192.168.0.5 udp 9999'),
	);
	expect(result.journey.outcome).toMatchObject({ kind: 'dropped', cause: 'no-receiver' });
	expect(result.solutions[0]?.changes.map(({ text }) => text)).toEqual([
		'have a program of this host listen on UDP port 9999',
	]);
	const reset = await explain(
		engine,
		question('moby-22297', 'eth0', 'ipv4 192.168.0.9 > 192.168.0.5 tcp 9999'),
	);
	expect(explanationText('host', reset).join('\n')).toContain(
		'answered  a TCP reset goes back to 192.168.0.9',
	);
});

test('fewer changes cost less than more, one device less than all, a sysctl less than a route', async () => {
	const { state } = ask(question('bng-router-14', 'eth0.100', 'ipv4 10.10.3.7 > 10.20.0.5 icmp'));
	const changes = changesOf(state, factsOf(state, await engine.run(scenarioOf(state))));
	const find = (part: string) => changes.filter(({ text }) => text.includes(part));
	const [device, all] = [find('eth0/100.accept_local')[0], find('all.accept_local')[0]];
	const route = find('ip route add')[0];
	expect([device, all, route].every((each) => each !== undefined)).toBe(true);
	if (device === undefined || all === undefined || route === undefined) return;
	expect(costOf([device])).toBeLessThan(costOf([all]));
	expect(costOf([all])).toBeLessThan(costOf([route]));
	expect(costOf([route])).toBeLessThan(costOf([device, all]));
});

test('what is left out of a host does not matter to the packet', { timeout: 60_000 }, async () => {
	const address = fc.oneof(
		fc.constantFrom(
			'10.128.0.2',
			'192.168.1.50',
			'198.51.100.9',
			'10.10.3.7',
			'172.17.0.2',
			'10.244.1.5',
			'127.0.0.1',
		),
		fc.ipV4(),
	);
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...names),
			fc.nat(),
			address,
			address,
			fc.nat(2),
			async (name, at, from, to, mark) => {
				const snapshot = stored(name);
				const up = snapshot.links.filter(({ ifname, flags }) => ifname !== 'lo' && flags.includes('UP'));
				const { ifname = '' } = up[at % up.length] ?? {};
				const asked = { snapshot, device: ifname, frame: describedFrame(`ipv4 ${from} > ${to} icmp`), mark };
				const { state } = ask(asked);
				const whole = { ...state, host: hostOf(snapshot) };
				const [few, all] = [await engine.run(scenarioOf(state)), await engine.run(scenarioOf(whole))];
				expect(few.outcome).toEqual(all.outcome);
				expect(few.steps).toEqual(all.steps);
			},
		),
		{ numRuns: 100 },
	);
});
