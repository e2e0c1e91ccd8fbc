import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onProcessor } from '../../bench/processor.ts';
import { openRig, type Rig } from '../../bench/rig.ts';
import { generatedFrame, rigScenario, rigTunnel } from '../../bench/rig-scenario.ts';
import { median } from '../../bench/statistics.ts';
import { tunnelRecords } from '../../src/datapath/tunnel-records.ts';
import { setTunnels } from '../../src/datapath/tunnels.ts';
import { reload, up } from '../../src/forwarder/apply.ts';
import { readConfigurationFile } from '../../src/forwarder/configuration-file.ts';
import { tunnelMapsOf } from '../../src/forwarder/maps.ts';
import { loadPrograms } from '../../src/forwarder/programs.ts';
import { down } from '../../src/forwarder/remove.ts';
import { type OutcomeTotal, openStatus } from '../../src/forwarder/status.ts';
import { inNamespace, type Namespace } from '../../src/kernel/namespace.ts';
import { testRun } from '../../src/kernel/test-run.ts';
import type { TunnelTable } from '../../src/tunnel/tunnel-table.ts';
import { requires } from '../needs.ts';
import { attachForeignXdp, type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

const times = 100;
/** Fewer than a veth's queue holds (256), however long a busy machine leaves it: none can be lost in the rig. */
const framesAtOnce = 192;
/** enum xdp_action */
const [xdpPass, xdpRedirect] = [2, 4];

/** Reloads and upgrades in turn, between two configurations, in a process of its own. */
const program = `
const { reload, up } = await import(${JSON.stringify(new URL('../../src/forwarder/apply.ts', import.meta.url).href)});
const { readConfigurationFile } = await import(${JSON.stringify(new URL('../../src/forwarder/configuration-file.ts', import.meta.url).href)});
const files = process.argv.slice(-2).map(readConfigurationFile);
for (let time = 0; time < ${times}; time++) reload(files[time % 2]);
for (let time = 0; time < ${times}; time++) up(files[time % 2]);
`;

/** What the forwarder's programs have counted. */
function counted(namespace: Namespace): readonly OutcomeTotal[] {
	return inNamespace(namespace, () => {
		const reader = openStatus();
		const totals = reader.totals();
		reader.close();
		return totals.filter(({ packets }) => packets > 0n);
	});
}

describe('under load', requires('root', 'ip'), () => {
	let gateway: Gateway;
	const bpffs = process.env.ENCAP_FORWARD_BPFFS;
	beforeAll(() => {
		gateway = openGateway();
		process.env.ENCAP_FORWARD_BPFFS = gateway.bpffs;
	});
	afterAll(() => {
		if (bpffs === undefined) delete process.env.ENCAP_FORWARD_BPFFS;
		else process.env.ENCAP_FORWARD_BPFFS = bpffs;
		gateway?.close();
	});

	test(`${times} reloads and ${times} upgrades lose no packet`, { timeout: 400_000 }, () => {
		const { match, source, destination } = rigTunnel(rigScenario(false));
		const tunnel = (to: string, more: string): string =>
			`  - { match: '${to}', encapsulation: ip, source: ${source}, destination: ${destination}${more} }`;
		// The second has the tunnel by another prefix and others beside it: added, changed, removed each time.
		const one = gateway.configure(
			`interfaces: [veth0]\nhook: xdp\ntunnels:\n${tunnel(match, '')}\n${tunnel('2001:db8::/32', ', ttl: 9')}\n`,
		);
		const two = gateway.configure(
			`interfaces: [veth0]\nhook: xdp\ntunnels:\n${tunnel('::/0', '')}\n${tunnel('2001:db8::/32', ', ttl: 10')}\n`,
		);
		let router: Namespace | undefined;
		const rig: Rig = openRig({
			open: false,
			expected: 'ip',
			attach: (place) => {
				router = place.router;
				up(readConfigurationFile(one));
			},
		});
		try {
			if (router === undefined) throw new Error('the rig attached nothing');
			const { fd } = router;
			const [done, said] = [join(gateway.folder, 'done'), join(gateway.folder, 'said')];
			// Not a child of ours: the signal of its end would interrupt the generator.
			spawnSync(
				'sh',
				[
					...['-c', '{ "$@" 2>"$SAID"; echo $? >"$DONE.part"; mv "$DONE.part" "$DONE"; } >/dev/null &', 'sh'],
					...(availableParallelism() > 1 ? ['taskset', '-c', '1'] : []),
					...['nsenter', `--net=/proc/${process.pid}/fd/${fd}`],
					...[process.execPath, '--import', 'tsx', '--input-type=module', '-e', program, one, two],
				],
				{ stdio: 'ignore', env: { ...process.env, SAID: said, DONE: done } },
			);
			let [sent, delivered] = [0, 0];
			const rates: number[] = [];
			while (!existsSync(done)) {
				const run = onProcessor(0, () => rig.run(framesAtOnce, 10_000));
				sent += framesAtOnce;
				delivered += run.delivered;
				rates.push(run.delivered / run.seconds);
			}
			expect([readFileSync(done, 'utf8'), readFileSync(said, 'utf8')]).toEqual(['0\n', '']);
			expect({ sent, delivered }).toEqual({ sent, delivered: sent });
			// Of most runs: a machine that does other things stops one for as long as it likes.
			expect(median(rates)).toBeGreaterThan(500_000);
			expect(sent).toBeGreaterThan(times * 2 * framesAtOnce);
			// XDP forwards all but those by which TC looks after the next hop; housekeeping is the hosts' own.
			const totals = counted(router).filter(({ outcome }) => outcome !== 'link-local');
			const of = (hook: string, outcome: string): bigint =>
				totals.find((each) => each.hook === hook && each.outcome === outcome)?.packets ?? 0n;
			expect(of('xdp', 'forwarded') + of('tc', 'forwarded') + of('tc', 'forwarded-neighbour')).toBe(
				BigInt(sent),
			);
			inNamespace(router, () => void down());
		} finally {
			rig.close();
		}
	});

	test('once the tunnels are changed, nothing is served what was remembered of the old ones', () => {
		const scenario = rigScenario(false);
		const tunnel = rigTunnel(scenario);
		const table = (match: string): TunnelTable =>
			readConfigurationFile(
				gateway.configure(`interfaces: [veth0]\ntunnels:\n  - ${JSON.stringify({ ...tunnel, match })}\n`),
			).tunnels;
		const [ours, others] = [table(tunnel.match), table('2001:db8::/32')];
		const rig = openRig({
			open: false,
			expected: 'ip',
			attach: ({ ingress }) => {
				const needs = { records: tunnelRecords(ours), counted: false, kept: false };
				const { programs, maps, close } = loadPrograms(undefined, needs);
				const tunnelMaps = tunnelMapsOf(maps);
				if (tunnelMaps === undefined) throw new Error('maps of another shape');
				const data = generatedFrame(scenario);
				const words = new Uint32Array(6);
				words[1] = data.length; // xdp_md.data_end
				words[3] = ingress; // xdp_md.ingress_ifindex
				const context = new Uint8Array(words.buffer);
				const verdict = (): number => testRun(programs.get('xdp') ?? -1, { data, context }).returnValue;
				// Each step takes microseconds: most rounds lie within the tick that a way is remembered for.
				const verdicts = Array.from({ length: 50 }, () => {
					setTunnels(tunnelMaps, ours);
					const before = verdict();
					setTunnels(tunnelMaps, others);
					return [before, verdict()];
				});
				close();
				expect(verdicts).toEqual(verdicts.map(() => [xdpRedirect, xdpPass]));
			},
		});
		rig.close();
	});

	test('a reload that fails half way changes nothing', () => {
		const netns = gateway.gateway;
		const parsed = (interfaces: string, more: readonly string[]) =>
			readConfigurationFile(
				gateway.configure(
					`interfaces: [${interfaces}]\nhook: xdp\ntunnels:\n${more.map(tunnelTo).join('\n')}\n`,
				),
			);
		const list = (): unknown => {
			const reader = openStatus(netns);
			const { tunnels, interfaces } = reader.read(true);
			reader.close();
			return { tunnels, interfaces };
		};
		up(parsed('in0', ['fd09::/64', '10.9.0.0/24']), { netns });
		const before = list();
		const identifier = attachForeignXdp(netns, 'out0');
		const wanted = parsed('in0, out0', ['fd09::/65', '10.9.0.0/24', '10.10.0.0/16']);
		expect(() => reload(wanted, { netns })).toThrow(`(number ${identifier})`);
		expect(list()).toEqual(before);
		gateway.run(netns, 'ip', 'link', 'set', 'out0', 'xdp', 'off');
		expect(reload(wanted, { netns })).toMatchObject({
			tunnels: { added: 2, changed: 0, removed: 1, total: 3 },
			interfaces: [{ name: 'in0' }, { name: 'out0' }],
			removedInterfaces: [],
		});
		const again = reload(parsed('out0', ['fd09::/65']), { netns });
		expect(again.removedInterfaces).toEqual(['in0']);
		expect(again.tunnels).toEqual({ added: 0, changed: 0, removed: 2, total: 1 });
		expect(gateway.run(netns, 'ip', 'link', 'show', 'in0')).not.toContain('xdp');
		down(netns);
	});
});
