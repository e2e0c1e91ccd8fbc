/**
 * How fast a TCP stream goes in VXLAN: through our TC program on a gateway, held against the kernel's own
 * VXLAN device there. Client, gateway and server are a namespace each; in both cases the server takes the
 * packets out by a device of its own and answers without a tunnel. Rounds are taken in turn, so that a busy
 * machine is busy for both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { findProgram } from '../scripts/programs.ts';
import { EncapForwardError } from '../src/error.ts';
import { type Gateway, openGateway, tunnelTo } from '../test/support/gateway.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { median, spread } from './statistics.ts';

const rounds = 9;
const secondsPerRound = 1;
/** What VXLAN over IPv4 leaves of 1500 bytes: the client knows it beforehand, so nobody has to tell it. */
const innerMtu = 1450;
const target: Target = { limit: '>=', value: 1 };
const figure = 'ours at TC / VXLAN device, bits a second';

interface Contestant {
	readonly name: string;
	readonly gateway: Gateway;
	/** Bits a second, by round. */
	readonly rates: number[];
	readonly server: ChildProcess;
}

function enter(name: string, prepare: (gateway: Gateway) => void): Contestant {
	const gateway = openGateway();
	try {
		for (const destination of ['10.9.0.0/24', 'fd09::/64']) {
			const via = destination.includes(':') ? 'fd01::1' : '10.1.0.1';
			gateway.run(
				gateway.client,
				...['ip', 'route', 'add', destination, 'via', via, 'mtu', String(innerMtu)],
			);
		}
		prepare(gateway);
		const server = spawn('ip', ['netns', 'exec', gateway.server, 'iperf3', '-s', '-B', '10.9.0.1'], {
			stdio: 'ignore',
		});
		return { name, gateway, rates: [], server };
	} catch (error) {
		gateway.close();
		throw error;
	}
}

/** Routed to a VXLAN device, whose far end is the server. */
function kernelDevice(): Contestant {
	return enter('VXLAN device', ({ run, gateway, server }) => {
		const [link] = JSON.parse(run(server, 'ip', '-json', 'link', 'show', 'vx0')) as [{ address: string }];
		for (const command of [
			'link add vx0 mtu 1450 type vxlan id 7 local 10.2.0.1 remote 10.2.0.2 dstport 4789',
			'link set vx0 up',
			'route add 10.9.0.0/24 dev vx0',
			`neighbour add 10.9.0.1 lladdr ${link.address} dev vx0 nud permanent`,
		])
			run(gateway, 'ip', ...command.split(' '));
		// The way back to the server is the device; its answers come in elsewhere.
		for (const at of ['all', 'out0'])
			run(gateway, 'sh', '-c', `echo 2 > /proc/sys/net/ipv4/conf/${at}/rp_filter`);
	});
}

function ours(): Contestant {
	return enter('ours at TC', ({ configure, command, run, gateway }) => {
		// For the server's answers, which come in without a tunnel: rp_filter stays strict.
		run(gateway, ...['ip', 'route', 'add', '10.9.0.0/24', 'via', '10.2.0.2']);
		const file = configure(`interfaces: [in0]\nhook: tc\ntunnels:\n${tunnelTo('10.9.0.0/24')}\n`);
		const { status, stderr } = command('up', '--config', file, '--netns', gateway);
		if (status !== 0) throw new EncapForwardError('EF_TOOL_FAILED', `up failed: ${stderr}`);
	});
}

/** What the server received, in bits a second. */
function stream({ name, gateway }: Contestant): number {
	const options = ['-c', '10.9.0.1', '-t', String(secondsPerRound), '--connect-timeout', '2000', '--json'];
	// iperf3 tells what is wrong in its JSON, with a status of 0 or 1.
	const text = gateway.run(gateway.client, 'sh', '-c', `iperf3 ${options.join(' ')} || true`);
	const { end, error } = JSON.parse(text) as {
		end: { sum_received?: { bits_per_second: number } };
		error?: string;
	};
	if (end.sum_received !== undefined) return end.sum_received.bits_per_second;
	throw new EncapForwardError('EF_TOOL_FAILED', `iperf3 through ${name} failed: ${error}`);
}

export const streaming: Benchmark = (progress): readonly Figure[] => {
	if (findProgram('iperf3') === undefined) {
		const note = 'iperf3 is missing; run "npm run setup"';
		return [{ name: 'stream', figure, value: null, unit: 'ratio', target, note }];
	}
	const contestants: Contestant[] = [];
	try {
		const device = kernelDevice();
		contestants.push(device);
		const tc = ours();
		contestants.push(tc);
		for (let round = 0; round <= rounds; round++) {
			progress(`round ${round} of ${rounds}`);
			for (const contestant of contestants) {
				const rate = stream(contestant);
				if (round > 0) contestant.rates.push(rate); // the first warms up
			}
		}
		const ratios = tc.rates.map((rate, round) => rate / (device.rates[round] ?? Number.NaN));
		const gigabits = [tc, device].map(({ rates }) => (median(rates) / 1e9).toFixed(1)).join(' and ');
		const note = `${spread(ratios)}; ${gigabits} Gbit/s`;
		return [{ name: 'stream', figure, value: median(ratios), unit: 'ratio', target, note }];
	} finally {
		for (const { gateway, server } of contestants) {
			server.kill();
			gateway.close();
		}
	}
};
