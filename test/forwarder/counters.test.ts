import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { reload, up } from '../../src/forwarder/apply.ts';
import { readConfigurationFile } from '../../src/forwarder/configuration-file.ts';
import { down } from '../../src/forwarder/remove.ts';
import { openStatus } from '../../src/forwarder/status.ts';
import { requires } from '../needs.ts';
import { type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

/** An echo request of ping over IPv6, Ethernet header included. */
const frameBytes = 118;

describe('what each tunnel took', requires('root', 'ip', 'ping'), () => {
	let gateway: Gateway;
	const bpffs = process.env.ENCAP_FORWARD_BPFFS;
	beforeAll(() => {
		gateway = openGateway();
		process.env.ENCAP_FORWARD_BPFFS = gateway.bpffs;
	});
	afterEach(() => void down(gateway.gateway));
	afterAll(() => {
		if (bpffs === undefined) delete process.env.ENCAP_FORWARD_BPFFS;
		else process.env.ENCAP_FORWARD_BPFFS = bpffs;
		gateway?.close();
	});

	const parsed = (tunnels: readonly string[], more = ''): ReturnType<typeof readConfigurationFile> =>
		readConfigurationFile(gateway.configure(`interfaces: [in0]\n${more}tunnels:\n${tunnels.join('\n')}\n`));
	const netns = (): { netns: string } => ({ netns: gateway.gateway });
	const ping = (count: number, to = 'fd09::1'): void => {
		gateway.run(gateway.client, ...`ping -c ${count} -i 0.02 -W 2 ${to}`.split(' '));
	};
	const counts = (): Record<string, [bigint | undefined, bigint | undefined]> => {
		const reader = openStatus(gateway.gateway);
		const { tunnels } = reader.read(true);
		reader.close();
		return Object.fromEntries(
			(tunnels.list ?? []).map(({ match, packets, bytes }) => [match, [packets, bytes]]),
		);
	};
	const took = (packets: number): [bigint, bigint] => [BigInt(packets), BigInt(packets * frameBytes)];
	const none = took(0);

	test.each(['hook: xdp\n', 'hook: tc\n'])('is kept over reload, change and upgrade: %s', (hook) => {
		const other = tunnelTo('fd0a::/16');
		up(parsed([tunnelTo('fd09::/64'), other], hook), netns());
		ping(7);
		expect(counts()).toEqual({ 'fd09::/64': took(7), 'fd0a::/16': none });
		// Another of its own options, and a third beside it.
		const changed = tunnelTo('fd09::/64').replace(' }', ', ttl: 9 }');
		expect(reload(parsed([changed, other, tunnelTo('10.9.0.0/24')], hook), netns()).tunnels).toMatchObject({
			added: 1,
			changed: 1,
			removed: 0,
		});
		ping(3);
		expect(counts()).toEqual({ '10.9.0.0/24': none, 'fd09::/64': took(10), 'fd0a::/16': none });
		up(parsed([changed], hook), netns());
		ping(2);
		expect(counts()).toEqual({ 'fd09::/64': took(12) });
		// One that comes back begins anew, and so does what takes its place.
		reload(parsed([other], hook), netns());
		reload(parsed([tunnelTo('fd09::/64')], hook), netns());
		expect(counts()).toEqual({ 'fd09::/64': none });
	});

	test('is kept when the maps become too small, and the packets go on', () => {
		up(parsed([tunnelTo('fd09::/64')]), netns());
		ping(5);
		const many = Array.from({ length: 300 }, (_, number) =>
			tunnelTo(`10.${number >> 8}.${number & 255}.0/24`),
		);
		expect(reload(parsed([tunnelTo('fd09::/64'), ...many]), netns()).tunnels).toEqual({
			added: 300,
			changed: 0,
			removed: 0,
			total: 301,
		});
		ping(4);
		expect(counts()).toMatchObject({ 'fd09::/64': took(9), '10.1.43.0/24': none });
		expect(reload(parsed([tunnelTo('fd09::/64')]), netns()).tunnels).toMatchObject({
			removed: 300,
			total: 1,
		});
		ping(1);
		expect(counts()).toEqual({ 'fd09::/64': took(10) });
	});

	test('is told by status and --json, and left out when it is switched off', () => {
		const file = gateway.configure(`interfaces: [in0]\ntunnels:\n${tunnelTo('fd09::/64')}\n`);
		const command = (...words: readonly string[]): string =>
			gateway.command(...words, '--netns', gateway.gateway).stdout;
		command('up', '--config', file);
		ping(4);
		expect(command('status')).toMatch(
			/^tunnel +packets +bytes +encapsulated\nfd09::\/64 +4 +472 +vxlan to 10\.2\.0\.2$/m,
		);
		const listed = (): unknown =>
			(JSON.parse(command('status', '--json')) as { tunnels: { list: unknown[] } }).tunnels.list;
		expect(listed()).toMatchObject([{ match: 'fd09::/64', packets: 4, bytes: 472 }]);
		const off = gateway.configure(
			`interfaces: [in0]\ntunnelCounters: false\ntunnels:\n${tunnelTo('fd09::/64')}\n`,
		);
		command('reload', '--config', off);
		ping(4);
		expect(command('status')).not.toContain('fd09::/64');
		expect(listed()).not.toMatchObject([{ packets: expect.anything() }]);
		command('reload', '--config', file);
		ping(1);
		expect(listed()).toMatchObject([{ match: 'fd09::/64', packets: 1, bytes: 118 }]);
	});
});
