import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { reload, up } from '../../src/forwarder/apply.ts';
import { readConfigurationFile } from '../../src/forwarder/configuration-file.ts';
import { down } from '../../src/forwarder/remove.ts';
import { openStatus, type Status } from '../../src/forwarder/status.ts';
import { requires } from '../needs.ts';
import { attachForeignXdp, type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

const ends = '  - { encapsulation: vxlan, local: 10.2.0.1, vni: 7 }';

describe('both directions through the kernel’s own VXLAN device', requires('root', 'ip', 'ping'), () => {
	let gateway: Gateway;
	const bpffs = process.env.ENCAP_FORWARD_BPFFS;
	beforeAll(() => {
		gateway = openGateway();
		process.env.ENCAP_FORWARD_BPFFS = gateway.bpffs;
		// What the server sends to the client goes by its VXLAN device.
		const server = (command: string): string => gateway.run(gateway.server, ...command.split(' '));
		server('bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.2.0.1');
		for (const [prefix, client] of [
			['fd01::/64', 'fd01::2'],
			['10.1.0.0/24', '10.1.0.2'],
		]) {
			server(`ip route replace ${prefix} dev vx0`);
			server(`ip neigh replace ${client} lladdr 02:00:00:00:00:99 dev vx0 nud permanent`);
		}
		// The client takes what XDP sends into its link.
		attachForeignXdp(gateway.client, 'eth0');
	});
	afterEach(() => void down(gateway.gateway));
	afterAll(() => {
		if (bpffs === undefined) delete process.env.ENCAP_FORWARD_BPFFS;
		else process.env.ENCAP_FORWARD_BPFFS = bpffs;
		gateway?.close();
	});

	const parsed = (more: string): ReturnType<typeof readConfigurationFile> =>
		readConfigurationFile(
			gateway.configure(
				`interfaces: [in0, out0]\n${more}tunnels:\n${tunnelTo('fd09::/64')}\n${tunnelTo('10.9.0.0/24')}\n`,
			),
		);
	const pinged = (count: number, to: string): number => {
		const text = gateway.run(gateway.client, 'sh', '-c', `ping -c ${count} -i 0.02 -W 2 ${to} || true`);
		return Number(/(\d+) received/.exec(text)?.[1]);
	};
	const status = (): Status => {
		const reader = openStatus(gateway.gateway);
		try {
			return reader.read(true);
		} finally {
			reader.close();
		}
	};
	const netns = (): { netns: string } => ({ netns: gateway.gateway });
	const outcome = (name: string): number =>
		status()
			.outcomes.filter((each) => each.outcome.startsWith(name))
			.reduce((sum, { packets }) => sum + Number(packets), 0);

	test.each(['hook: xdp\n', 'hook: tc\n'])('decapsulated and forwarded, each counted: %s', (hook) => {
		up(parsed(`${hook}decapsulate:\n${ends}\n`), netns());
		expect(pinged(10, 'fd09::1')).toBe(10);
		expect(pinged(5, '10.9.0.1')).toBe(5);
		expect(status().decapsulations).toEqual([
			{
				encapsulation: 'vxlan',
				local: '10.2.0.1',
				port: 4789,
				vni: 7,
				packets: 15n,
				bytes: expect.anything(),
			},
		]);
		expect(outcome('decapsulated')).toBe(15);
		// A reload keeps what was counted, and another VNI is another decapsulation.
		reload(parsed(`${hook}decapsulate:\n${ends}\n  - { encapsulation: gre, local: 10.2.0.1 }\n`), netns());
		expect(status().decapsulations.map(({ encapsulation, packets }) => [encapsulation, packets])).toEqual([
			['gre', 0n],
			['vxlan', 15n],
		]);
		reload(parsed(`${hook}decapsulate:\n${ends.replace('7', '8')}\n`), netns());
		expect(pinged(2, 'fd09::1')).toBe(0);
		reload(parsed(hook), netns());
		expect(status().decapsulations).toEqual([]);
	});

	test('XDP sends where the kernel says that it can, and leaves the rest to TC', () => {
		up(parsed(`hook: xdp\ndecapsulate:\n${ends}\n`), netns());
		expect(pinged(5, 'fd09::1')).toBe(5);
		const xdp = (name: string): bigint =>
			status().outcomes.find((each) => each.hook === 'xdp' && each.outcome === name)?.packets ?? 0n;
		expect(xdp('forwarded')).toBeGreaterThan(0n);
		expect(xdp('decapsulated')).toBeGreaterThan(0n);
		// Without a program at its far end a veth drops what XDP sends into it.
		gateway.run(gateway.client, 'ip', 'link', 'set', 'eth0', 'xdp', 'off');
		try {
			reload(parsed(`hook: xdp\ndecapsulate:\n${ends}\n`), netns());
			const before = xdp('decapsulated');
			expect(pinged(5, 'fd09::1')).toBe(5);
			expect(xdp('decapsulated')).toBe(before);
			expect(xdp('handed-over-egress')).toBeGreaterThanOrEqual(4n);
		} finally {
			attachForeignXdp(gateway.client, 'eth0');
		}
	});

	test('packets leave by the devices that egress names, and by no other', () => {
		up(parsed('egress: [in0]\n'), netns());
		expect(pinged(2, 'fd09::1')).toBe(0);
		expect(outcome('egress-refused')).toBeGreaterThanOrEqual(1);
		reload(parsed(`egress: [in0, out0]\ndecapsulate:\n${ends}\n`), netns());
		expect(pinged(3, 'fd09::1')).toBe(3);
	});
});
