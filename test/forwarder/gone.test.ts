import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

describe('what has gone does not stand in the way', requires('root', 'ip', 'ping', 'bpftool'), () => {
	let gateway: Gateway;
	let netns: string[];
	beforeEach(() => {
		gateway = openGateway();
		netns = ['--netns', gateway.gateway];
		gateway.run(gateway.gateway, 'ip', 'link', 'add', 'in1', 'type', 'veth', 'peer', 'name', 'far1');
		gateway.run(gateway.gateway, 'ip', 'link', 'set', 'in1', 'up');
		const file = gateway.configure(`interfaces: [in0, in1]\ntunnels:\n${tunnelTo('fd09::/64')}\n`);
		expect(gateway.command('up', '--config', file, ...netns).stderr).toBe('');
	});
	afterEach(() => gateway.close());

	const nothingLeft = (): void => {
		expect(existsSync(join(gateway.bpffs, 'encap-forward'))).toBe(false);
		expect(gateway.run(gateway.gateway, 'ip', 'link')).not.toContain('xdp');
		expect(gateway.run(gateway.gateway, 'bpftool', 'net')).not.toMatch(/in0|in1/);
	};

	test('a device: status says so, down cleans up the rest', () => {
		gateway.run(gateway.gateway, 'ip', 'link', 'delete', 'in1');
		const { stdout } = gateway.command('status', ...netns);
		expect(stdout).toMatch(/^ {2}in0: XDP \(native\), TCX\n {2}missing: device \d+ has gone$/m);
		const down = gateway.command('down', ...netns);
		expect([down.status, down.stdout]).toEqual([
			0,
			'The forwarder is down.\n  in0: XDP (native), TCX: removed\n',
		]);
		expect(down.stderr).toMatch(
			/^device \d+ had gone, and its tcx with it\ndevice \d+ had gone, and its xdp-native with it$/m,
		);
		nothingLeft();
	});

	test('a device that comes back is attached to by the next up', () => {
		gateway.run(gateway.gateway, 'ip', 'link', 'delete', 'in1');
		gateway.run(gateway.gateway, 'ip', 'link', 'add', 'in1', 'type', 'veth', 'peer', 'name', 'far1');
		const file = gateway.configure(`interfaces: [in0, in1]\ntunnels:\n${tunnelTo('fd09::/64')}\n`);
		expect(gateway.command('reload', '--config', file, ...netns).stdout).toContain('in1: XDP (native), TCX');
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'in1')).toContain('xdp');
		expect(gateway.command('status', ...netns).stdout).not.toContain('missing');
		expect(gateway.command('down', ...netns).status).toBe(0);
		nothingLeft();
	});

	test('a pin', () => {
		const folder = join(gateway.bpffs, 'encap-forward');
		const links = join(folder, readdirSync(folder)[0] ?? '', 'links');
		unlinkSync(join(links, readdirSync(links).find((name) => name.startsWith('xdp')) ?? ''));
		unlinkSync(join(links, '..', 'maps', 'outcomes_tc'));
		unlinkSync(join(links, '..', 'programs', 'tc'));
		expect(gateway.command('down', ...netns).status).toBe(0);
		nothingLeft();
	});

	test('the namespace', () => {
		spawnSync('ip', ['netns', 'delete', gateway.gateway]);
		const down = gateway.command('down', ...netns);
		expect([down.status, down.stdout]).toEqual([0, 'The forwarder is down.\n']);
		expect(down.stderr).toBe(`the network namespace ${gateway.gateway} had gone; its pins are removed\n`);
		expect(existsSync(join(gateway.bpffs, 'encap-forward'))).toBe(false);
		expect(gateway.command('down', ...netns).stdout).toBe('There was no forwarder: nothing to remove.\n');
	});

	test('the namespace, and another of its name', () => {
		spawnSync('ip', ['netns', 'delete', gateway.gateway]);
		spawnSync('ip', ['netns', 'add', gateway.gateway]);
		const down = gateway.command('down', ...netns);
		expect([down.status, down.stderr]).toEqual([0, expect.stringContaining('had been made anew')]);
		expect(existsSync(join(gateway.bpffs, 'encap-forward'))).toBe(false);
	});
});
