/**
 * The model of the kernel that this runs on, held to it: VRFs and VLAN devices, which random scenarios have none
 * of, case by case. `npm run test:kernels -- --only model` runs it on others.
 */
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/engines/engine.ts';
import { openLinuxEngine } from '../../../src/engines/linux/engine.ts';
import { type ModelEngine, openModelEngine } from '../../../src/engines/model/engine.ts';
import { EncapForwardError } from '../../../src/error.ts';
import type { Journey, Outcome } from '../../../src/journey/journey.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { requires } from '../../needs.ts';
import {
	hostMac,
	type PacketOptions,
	type RouterOptions,
	routerMac,
	scenarioOf,
	udpFrame,
} from '../../support/router.ts';

/** One function within another is the compiler's doing, each kernel's own: what stands for what. */
const inlined: Readonly<Record<string, string>> = {
	ip6_pkt_discard: 'ip6_pkt_drop',
	ip6_pkt_prohibit: 'ip6_pkt_drop',
	ip6_tlvopt_unknown: 'ip6_parse_tlv',
};

/** A VLAN tag that a device would write goes beside the frame to a veth's other end, where XDP does not see it. */
function untagged(frame: Uint8Array): Uint8Array {
	const isTagged = frame[12] === 0x81 && frame[13] === 0;
	return isTagged ? Uint8Array.from([...frame.subarray(0, 12), ...frame.subarray(16)]) : frame;
}

function essence(outcome: Outcome): string {
	switch (outcome.kind) {
		case 'forwarded':
			return `forwarded ${outcome.device} ${Buffer.from(untagged(outcome.frame)).toString('hex')}`;
		case 'dropped': {
			const { reason, where } = outcome;
			return `${reason} at ${inlined[where] ?? where}`;
		}
		case 'delivered':
			return 'taken';
		case 'vanished':
			return 'vanished';
	}
}

/** All ends that the model holds for possible. */
function possible({ outcome, alternatives = [] }: Journey): string[] {
	return [outcome, ...alternatives].map(essence);
}

const vrf: RouterOptions = { vrfs: { red: 100 }, devices: { veth0: { vrf: 'red' }, veth1: { vrf: 'red' } } };
const narrow: RouterOptions = {
	...vrf,
	devices: { veth0: { vrf: 'red' }, veth1: { vrf: 'red', mtu: 1300 } },
};
const half: RouterOptions = { vrfs: { red: 100 }, devices: { veth0: { vrf: 'red' } } };
const strict = { 'net.ipv4.conf.veth0.rp_filter': 1 };
const vlans: RouterOptions = {
	devices: {
		'veth0.7': {
			mac: routerMac.veth0,
			addresses: ['10.7.0.2/24', 'fc00:7::2/64'],
			vlan: { device: 'veth0', id: 7 },
		},
		'veth1.7': {
			mac: routerMac.veth1,
			addresses: ['10.7.1.2/24', 'fc00:7:1::2/64'],
			vlan: { device: 'veth1', id: 7 },
		},
	},
	neighbours: [
		{ device: 'veth1.7', address: '10.7.1.1', mac: hostMac.host1 },
		{ device: 'veth1.7', address: 'fc00:7:1::1', mac: hostMac.host1 },
	],
};
const four = { from: '10.0.0.1', to: '10.0.1.1' };
const six = { from: 'fc00::1', to: 'fc00:0:0:1::1' };

const cases: readonly [what: string, options: RouterOptions, packet: PacketOptions][] = [
	['through a VRF', vrf, four],
	['through a VRF, strict', { ...vrf, sysctls: strict }, four],
	['through a VRF, strict, from elsewhere', { ...vrf, sysctls: strict }, { ...four, from: '10.0.1.9' }],
	['through a VRF, from its own address', vrf, { ...four, from: '10.0.1.2' }],
	['a VRF without a route', vrf, { ...four, to: '198.51.100.1' }],
	['to an address of the VRF', vrf, { ...four, to: '10.0.1.2' }],
	['to a broadcast of the VRF', vrf, { ...four, to: '10.0.0.255' }],
	['TTL 1 in a VRF', vrf, { ...four, ttl: 1 }],
	['too big in a VRF', narrow, { ...four, bytes: 1400, dontFragment: true }],
	['in fragments through a VRF', narrow, { ...four, bytes: 1400 }],
	['forwarding off in a VRF', { ...vrf, sysctls: { 'net.ipv4.conf.veth0.forwarding': 0 } }, four],
	['out of a VRF by the table main', half, four],
	['out of a VRF by the table main, strict', { ...half, sysctls: strict }, four],
	[
		'a VRF that an unreachable route closes',
		{
			...half,
			routes: [{ family: 'ipv4', destination: '0.0.0.0/0', type: 'unreachable', table: 100, metric: 8192 }],
		},
		four,
	],
	['IPv6 through a VRF', vrf, six],
	['IPv6, a VRF without a route', vrf, { ...six, to: '2001:db8::1' }],
	['IPv6, hop limit 1 in a VRF', vrf, { ...six, ttl: 1 }],
	['IPv6, too big in a VRF', narrow, { ...six, bytes: 1400 }],
	['IPv6 to an address of the VRF', vrf, { ...six, to: 'fc00::2' }],
	['IPv6 to a link-local address in a VRF', vrf, { ...six, to: 'fe80::ff:fe00:2' }],
	['IPv6 from a link-local address in a VRF', vrf, { ...six, from: 'fe80::9' }],
	['IPv6 out of a VRF by the table main', half, six],
	['from VLAN to VLAN', vlans, { from: '10.7.0.1', to: '10.7.1.1', vlan: 7 }],
	['from VLAN to none', vlans, { from: '10.7.0.1', to: '10.0.1.1', vlan: 7 }],
	['from none to VLAN', vlans, { from: '10.0.0.1', to: '10.7.1.1' }],
	['a VLAN without a device', vlans, { from: '10.7.0.1', to: '10.7.1.1', vlan: 9 }],
	['VLAN 0, which is none', {}, { ...four, vlan: 0 }],
	[
		'forwarding off on a VLAN device',
		{ ...vlans, sysctls: { 'net.ipv4.conf.veth0/7.forwarding': 0 } },
		{ from: '10.7.0.1', to: '10.7.1.1', vlan: 7 },
	],
	['IPv6 from VLAN to VLAN', vlans, { from: 'fc00:7::1', to: 'fc00:7:1::1', vlan: 7 }],
];

/** The packet is told by its end, which nothing else may have. */
function marked(frame: Uint8Array, number: number): Uint8Array {
	const end = frame.subarray(-24);
	for (let index = 0; index < end.length; index++) end[index] = (number * 31 + index * 7) & 0xff;
	return frame;
}

describe('the model of this kernel', { ...requires('root', 'ip'), timeout: 300_000 }, () => {
	let linux: Engine;
	let model: ModelEngine;
	beforeAll(() => {
		linux = openLinuxEngine({ patienceMilliseconds: 2000, retransmitMilliseconds: 100 });
		model = openModelEngine({ kernel: release() });
	});
	afterAll(() => linux?.close());

	const compare = async (scenario: Scenario): Promise<string | undefined> => {
		const said = possible(model.try(scenario));
		const { outcome } = await linux.run(scenario);
		return said.includes(essence(outcome)) ? undefined : `${essence(outcome)}, not ${said.join(' or ')}`;
	};

	test('VRFs and VLAN devices', async (context) => {
		const wrong: string[] = [];
		for (const [number, [what, options, packet]] of cases.entries()) {
			try {
				const difference = await compare(
					scenarioOf(options, marked(udpFrame({ bytes: 40, ...packet }), number)),
				);
				if (difference !== undefined) wrong.push(`${what}: ${difference}`);
			} catch (error) {
				if (!(error instanceof EncapForwardError)) throw error;
				context.skip(`this kernel has no such devices: ${error.message}`);
			}
		}
		expect(wrong).toEqual([]);
	});
});
