/** A host with a running forwarder: its snapshot shows the tunnels, and explain runs its programs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/explain/snapshot.ts';
import { requires } from '../needs.ts';
import { type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

describe('a host with a forwarder', requires('root', 'ip'), () => {
	let gateway: Gateway;
	let file: string;
	beforeAll(() => {
		gateway = openGateway();
		file = gateway.configure(`interfaces: [in0]\ntunnels:\n${tunnelTo('10.9.0.0/24')}\n`);
	});
	afterAll(() => gateway?.close());

	const snapshot = (): Snapshot => {
		const { stdout, stderr } = gateway.command('snapshot', '--netns', gateway.gateway);
		expect(stderr).toBe('');
		return JSON.parse(stdout) as Snapshot;
	};
	const explain = (...options: readonly string[]) => {
		const { stdout, stderr } = gateway.command('explain', '--in', 'in0', '--json', ...options);
		expect(stderr).toBe('');
		return JSON.parse(stdout);
	};
	const packet = ['--packet', 'ipv4 10.1.0.2 > 10.9.0.1 udp 5000 > 53'];

	test('without one the packet has no route; with its configuration it would leave encapsulated', () => {
		expect(snapshot().forwarder).toBeNull();
		const netns = ['--netns', gateway.gateway];
		expect(explain(...netns, ...packet)).toMatchObject({ outcome: 'dropped', cause: 'no-route' });
		const planned = explain(...netns, ...packet, '--config', file);
		expect(planned).toMatchObject({ outcome: 'forwarded', egress: 'out0' });
		const stack = explain(...netns, ...packet, '--config', file, '--forwarding', 'stack');
		expect(stack).toMatchObject({ outcome: 'dropped', cause: 'source-is-local' });
		const { status, stderr } = gateway.command(
			...['explain', ...netns, '--in', 'out0', ...packet, '--config', file],
		);
		expect([status, stderr]).toEqual([2, expect.stringContaining('[EF_CONTRADICTION]')]);
	});

	test('with one up its tunnels are in the snapshot, and explain says so from the file alone', () => {
		expect(gateway.command('up', '--netns', gateway.gateway, '--config', file).stderr).toBe('');
		const taken = snapshot();
		expect(taken.unknown).not.toContain('forwarder');
		expect(taken.forwarder).toMatchObject({
			interfaces: [{ name: 'in0', hooks: expect.arrayContaining(['tc']) }],
			tunnels: [{ match: '10.9.0.0/24', encapsulation: 'vxlan', vni: 7, destination: '10.2.0.2' }],
		});
		const path = join(gateway.folder, 'snapshot.json');
		writeFileSync(path, JSON.stringify(taken));
		for (const place of [
			['--netns', gateway.gateway],
			['--snapshot', path],
		]) {
			const found = explain(...place, ...packet);
			expect(found).toMatchObject({ outcome: 'forwarded', egress: 'out0' });
			expect(found.journey.sightings.map(({ place: at }: { place: string }) => at)).toContain('tc-in');
		}
		// What no tunnel takes meets the kernel alone.
		expect(explain('--snapshot', path, '--packet', 'ipv4 10.1.0.2 > 10.7.0.1 icmp')).toMatchObject({
			outcome: 'dropped',
			cause: 'no-route',
		});
	});
});
