import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { objectPath } from '../../src/datapath/datapath.ts';
import { outcomeCountLayout, outcomes } from '../../src/datapath/layout.ts';
import { readOutcomes } from '../../src/datapath/outcome-map.ts';
import { up } from '../../src/forwarder/apply.ts';
import { readConfigurationFile } from '../../src/forwarder/configuration-file.ts';
import { mapPath, replacePin } from '../../src/forwarder/pins.ts';
import { down } from '../../src/forwarder/remove.ts';
import { openStatus } from '../../src/forwarder/status.ts';
import { possibleCpus, updateMap } from '../../src/kernel/map.ts';
import { loadObject } from '../../src/kernel/object.ts';
import { pinObject } from '../../src/kernel/pin.ts';
import { requires } from '../needs.ts';
import { attachForeignXdp, type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

describe('beside others', requires('root', 'ip', 'ping', 'bpftool'), () => {
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

	const parsed = (more: string, match = 'fd09::/64'): ReturnType<typeof readConfigurationFile> =>
		readConfigurationFile(gateway.configure(`interfaces: [in0]\n${more}tunnels:\n${tunnelTo(match)}\n`));
	const pinged = (count: number): number => {
		const text = gateway.run(gateway.client, 'sh', '-c', `ping -c ${count} -i 0.02 -W 2 fd09::1 || true`);
		return Number(/(\d+) received/.exec(text)?.[1]);
	};
	const tc = (...words: readonly string[]): string => gateway.run(gateway.gateway, 'tc', ...words);

	test('automatic where somebody else has XDP: TC alone, and theirs is named and stays', () => {
		const identifier = attachForeignXdp(gateway.gateway, 'in0');
		const { interfaces, notes } = up(parsed(''), { netns: gateway.gateway });
		expect(interfaces).toEqual([{ name: 'in0', places: ['tcx'] }]);
		expect(notes).toEqual([
			expect.stringContaining(
				`in0: TC alone, for XDP of in0 is taken: the program pass (number ${identifier})`,
			),
		]);
		expect(pinged(5)).toBe(5);
		down(gateway.gateway);
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'in0')).toContain(`id ${identifier} `);
		gateway.run(gateway.gateway, 'ip', 'link', 'set', 'in0', 'xdp', 'off');
	});

	test.each([{ tcx: true }, { tcx: false }])(
		'a filter of others stays, and sees what is not ours: %j',
		({ tcx }) => {
			// A second copy of the datapath, without tunnels, stands for a program of others: it counts what it sees.
			const foreign = loadObject(objectPath('datapath-tc'));
			const pin = join(gateway.bpffs, 'foreign');
			pinObject(foreign.program('datapath'), pin);
			tc('qdisc', 'add', 'dev', 'in0', 'clsact');
			tc(...'filter add dev in0 ingress priority 500 bpf direct-action object-pinned'.split(' '), pin);
			const { interfaces } = up(parsed('hook: tc\n'), { netns: gateway.gateway, tcx });
			expect(interfaces).toEqual([{ name: 'in0', places: [tcx ? 'tcx' : 'clsact'] }]);
			const seen = (): number => {
				const counts = [...readOutcomes(foreign.map('outcomes'))];
				return counts.reduce((sum, [, { packets }]) => sum + Number(packets), 0);
			};
			gateway.run(gateway.client, 'ping', '-c', '1', '10.1.0.1');
			const before = seen();
			expect(pinged(50)).toBe(50);
			// Neighbour discovery may pass by; what is ours does not.
			expect(seen() - before).toBeLessThan(20);
			const between = seen();
			gateway.run(gateway.client, 'ping', '-c', '5', '-i', '0.02', '10.1.0.1');
			expect(seen() - between).toBeGreaterThanOrEqual(5);
			down(gateway.gateway);
			const left = tc('filter', 'show', 'dev', 'in0', 'ingress');
			expect(left.match(/direct-action/g)).toHaveLength(1);
			expect(left).toContain('pref 500');
			expect(tc('qdisc', 'show', 'dev', 'in0')).toContain('clsact');
			tc('qdisc', 'del', 'dev', 'in0', 'clsact');
			rmSync(pin);
			foreign.close();
		},
	);

	test('without TCX: a filter, replaced by an upgrade, removed with the qdisc made for it', () => {
		up(parsed('hook: tc\n'), { netns: gateway.gateway, tcx: false });
		expect(pinged(3)).toBe(3);
		const filters = (): string[] => tc('filter', 'show', 'dev', 'in0', 'ingress').match(/ id \d+ /g) ?? [];
		const old = filters();
		expect(old).toHaveLength(1);
		const again = up(parsed('hook: tc\n'), { netns: gateway.gateway, tcx: false });
		expect(again.started).toBe(false);
		expect(filters()).toHaveLength(1);
		expect(filters()).not.toEqual(old);
		expect(pinged(3)).toBe(3);
		const reader = openStatus(gateway.gateway);
		const { interfaces, outcomes } = reader.read(false);
		reader.close();
		expect(interfaces).toEqual([{ name: 'in0', places: ['clsact'] }]);
		const sent = outcomes.filter(({ outcome }) => outcome.startsWith('forwarded'));
		expect(sent.reduce((sum, { packets }) => sum + packets, 0n)).toBe(6n);
		expect(down(gateway.gateway).interfaces).toEqual([{ name: 'in0', places: ['clsact'] }]);
		expect(tc('qdisc', 'show', 'dev', 'in0')).not.toContain('clsact');
	});

	test('generic XDP when it is asked for; native instead, without an interruption', () => {
		const places = (more: string): unknown =>
			up(parsed(more), { netns: gateway.gateway }).interfaces[0]?.places;
		expect(places('xdpMode: generic\n')).toEqual(['tcx', 'xdp-generic']);
		expect(pinged(3)).toBe(3);
		expect(places('xdpMode: native\n')).toEqual(['tcx', 'xdp-native']);
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'in0')).not.toContain('xdpgeneric');
		expect(pinged(3)).toBe(3);
		expect(places('hook: tc\n')).toEqual(['tcx']);
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'in0')).not.toContain('xdp');
	});

	test('an upgrade from a version whose maps have another shape carries the counters over, and the tunnels', () => {
		up(parsed('hook: tc\n'), { netns: gateway.gateway });
		const folder = join(gateway.bpffs, 'encap-forward');
		const [inode = ''] = readdirSync(folder);
		// As if the older version had known the first twelve outcomes only, and tunnels otherwise.
		const older = loadObject(objectPath('datapath-tc'), { entries: { outcomes: 12 } });
		const counts = new Uint8Array(outcomeCountLayout.size * possibleCpus());
		new DataView(counts.buffer).setBigUint64(0, 1000n, true);
		updateMap(
			older.map('outcomes'),
			new Uint8Array(new Uint32Array([outcomes.indexOf('forwarded')]).buffer),
			counts,
		);
		replacePin(older.map('outcomes'), mapPath(join(folder, inode), 'outcomes_tc'));
		replacePin(older.map('ways'), mapPath(join(folder, inode), 'tunnels'));
		rmSync(mapPath(join(folder, inode), 'templates'));
		older.close();
		expect(up(parsed('hook: tc\n'), { netns: gateway.gateway }).started).toBe(false);
		expect(pinged(5)).toBe(5);
		const reader = openStatus(gateway.gateway);
		const { outcomes: totals, tunnels } = reader.read(true);
		reader.close();
		const sent = totals.filter(({ outcome }) => outcome.startsWith('forwarded'));
		expect(sent.reduce((sum, { packets }) => sum + packets, 0n)).toBe(1005n);
		expect(tunnels.list?.map(({ match }) => match)).toEqual(['fd09::/64']);
	});

	test('an upgrade that fails half way leaves the programs, the tunnels and the interfaces of before', () => {
		up(parsed(''), { netns: gateway.gateway });
		const state = (): unknown => [
			gateway.run(gateway.gateway, 'ip', '-json', 'link', 'show', 'in0'),
			openTunnels(),
		];
		const openTunnels = (): unknown => {
			const reader = openStatus(gateway.gateway);
			const { tunnels, interfaces } = reader.read(true);
			reader.close();
			return { tunnels, interfaces };
		};
		const before = state();
		const identifier = attachForeignXdp(gateway.gateway, 'out0');
		const wanted = gateway.configure(
			`interfaces: [in0, out0]\nhook: xdp\ntunnels:\n${tunnelTo('fd09::/65')}\n${tunnelTo('10.9.0.0/24')}\n`,
		);
		expect(() => up(readConfigurationFile(wanted), { netns: gateway.gateway })).toThrow(
			`(number ${identifier})`,
		);
		expect(state()).toEqual(before);
		expect(gateway.run(gateway.gateway, 'bpftool', 'link')).not.toMatch(/dev out0|ifindex out0/);
		expect(pinged(5)).toBe(5);
		gateway.run(gateway.gateway, 'ip', 'link', 'set', 'out0', 'xdp', 'off');
	});
});
