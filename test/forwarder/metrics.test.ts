import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { up } from '../../src/forwarder/apply.ts';
import { readConfigurationFile } from '../../src/forwarder/configuration-file.ts';
import { type MetricsServer, serveMetrics } from '../../src/forwarder/metrics-server.ts';
import { down } from '../../src/forwarder/remove.ts';
import { requires } from '../needs.ts';
import { type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

describe('metrics', requires('root', 'ip', 'ping', 'promtool'), () => {
	let gateway: Gateway;
	let server: MetricsServer;
	const bpffs = process.env.ENCAP_FORWARD_BPFFS;
	beforeAll(async () => {
		gateway = openGateway();
		process.env.ENCAP_FORWARD_BPFFS = gateway.bpffs;
		server = await serveMetrics({ host: '127.0.0.1', port: 0 }, { netns: gateway.gateway });
	});
	afterAll(async () => {
		await server?.close();
		if (bpffs === undefined) delete process.env.ENCAP_FORWARD_BPFFS;
		else process.env.ENCAP_FORWARD_BPFFS = bpffs;
		gateway?.close();
	});

	const get = async (path: string): Promise<{ status: number; text: string; type: string | null }> => {
		const response = await fetch(`http://${server.address}${path}`);
		return {
			status: response.status,
			text: await response.text(),
			type: response.headers.get('content-type'),
		};
	};
	/** promtool fails on what is no exposition, and says what is bad style. */
	const judged = (text: string): string =>
		execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });

	test('while no forwarder is up', async () => {
		const metrics = await get('/metrics');
		expect(metrics.status).toBe(200);
		expect(metrics.text).toContain('\nencap_forward_up 0\n');
		expect(judged(metrics.text)).toBe('');
		expect((await get('/healthz')).status).toBe(503);
	});

	test('the counters are what was sent, and promtool has nothing to object to', async () => {
		const file = gateway.configure(`interfaces: [in0]\ntunnels:\n${tunnelTo('fd09::/64')}\n`);
		up(readConfigurationFile(file), { netns: gateway.gateway });
		gateway.run(gateway.client, 'ping', '-c', '7', '-i', '0.02', '-W', '2', 'fd09::1');
		const { status, text, type } = await get('/metrics');
		expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
		expect(judged(text)).toBe('');
		const value = (line: string): number =>
			Number(
				text
					.split('\n')
					.find((each) => each.startsWith(`${line} `))
					?.split(' ')[1],
			);
		const packets = (hook: string, outcome: string): number =>
			value(`encap_forward_packets_total{hook="${hook}",outcome="${outcome}"}`);
		const sent =
			packets('xdp', 'forwarded') + packets('tc', 'forwarded') + packets('tc', 'forwarded-neighbour');
		expect(sent).toBe(7);
		expect(packets('tc', 'route-blackhole')).toBe(0);
		const tunnel = 'match="fd09::/64",encapsulation="vxlan",destination="10.2.0.2"';
		expect(value(`encap_forward_tunnel_packets_total{${tunnel}}`)).toBe(7);
		expect(value(`encap_forward_tunnel_bytes_total{${tunnel}}`)).toBe(7 * 118);
		expect(value('encap_forward_tunnels')).toBe(1);
		expect(value('encap_forward_up')).toBe(1);
		expect(text).toContain('encap_forward_attached{interface="in0",place="xdp-native"} 1\n');
		expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
		expect((await get('/')).status).toBe(404);
		down(gateway.gateway);
		expect((await get('/healthz')).status).toBe(503);
	});
});
