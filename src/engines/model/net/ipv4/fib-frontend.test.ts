import { describe, expect, test } from 'vitest';
import { endOf, type RouterOptions, send } from '../../../../../test/support/router.ts';

const rp = (value: number, device = 'veth0') => ({ [`net.ipv4.conf.${device}.rp_filter`]: value });
const local = (value: number, device = 'veth0') => ({ [`net.ipv4.conf.${device}.accept_local`]: value });
const refused = {
	rp: 'IP_RPFILTER ip_rcv_finish_core reverse-path',
	local: 'IP_LOCAL_SOURCE ip_rcv_finish_core source-is-local',
	invalid: 'IP_INVALID_SOURCE ip_rcv_finish_core source-invalid',
};
const through = 'forwarded host1';
const to = '10.0.1.1';

/** Source, sysctls and the like, and what becomes of the packet. */
const cases: readonly [what: string, from: string, options: RouterOptions, end: string][] = [
	['from its own link', '10.0.0.1', { sysctls: rp(1) }, through],
	['from another link, not checked', '10.0.1.9', { sysctls: rp(0) }, through],
	['from another link, strict', '10.0.1.9', { sysctls: rp(1) }, refused.rp],
	['from another link, loose', '10.0.1.9', { sysctls: rp(2) }, through],
	['from nowhere, strict', '192.0.2.1', { sysctls: rp(1) }, refused.rp],
	['from nowhere, loose', '192.0.2.1', { sysctls: rp(2) }, refused.rp],
	['from nowhere, not checked', '192.0.2.1', {}, through],
	['all and device: the greater counts', '10.0.1.9', { sysctls: { ...rp(1), ...rp(2, 'all') } }, through],
	['all and device: all alone', '10.0.1.9', { sysctls: rp(1, 'all') }, refused.rp],
	['default changes no device that is there', '10.0.1.9', { sysctls: rp(1, 'default') }, through],
	['the own address of another device', '10.0.1.2', {}, refused.local],
	['the own address of the device', '10.0.0.2', {}, refused.local],
	['the own address, let in by the device', '10.0.1.2', { sysctls: local(1) }, through],
	['the own address, let in by all', '10.0.1.2', { sysctls: local(1, 'all') }, through],
	['the own address, let in but strict', '10.0.1.2', { sysctls: { ...local(1), ...rp(1) } }, refused.rp],
	['the own address, let in and loose', '10.0.1.2', { sysctls: { ...local(1), ...rp(2) } }, through],
	['local comes before rp_filter', '10.0.1.2', { sysctls: rp(1) }, refused.local],
	['the subnet broadcast on the quick way', '10.0.0.255', {}, through],
	['the subnet broadcast where there ever was a rule', '10.0.0.255', { everHadRules: true }, refused.invalid],
	['a custom local route on the quick way', '198.18.0.1', {}, through],
	[
		'a custom local route makes the check a full one',
		'198.18.0.1',
		{ routes: [{ family: 'ipv4', destination: '198.18.0.0/24', type: 'local', table: 255 }] },
		refused.local,
	],
	[
		'loose on a device without addresses is strict',
		'10.0.1.9',
		{ devices: { veth0: { addresses: [] } }, sysctls: rp(2) },
		refused.rp,
	],
	[
		'without addresses and not checked',
		'10.0.1.9',
		{ devices: { veth0: { addresses: [] } }, everHadRules: true },
		through,
	],
	[
		'any leg of a multipath route back will do',
		'192.0.2.1',
		{
			sysctls: rp(1),
			routes: [
				{
					family: 'ipv4',
					destination: '192.0.2.0/24',
					nextHops: [
						{ device: 'veth1', via: '10.0.1.1' },
						{ device: 'veth0', via: '10.0.0.1' },
					],
				},
			],
		},
		through,
	],
	[
		'an unreachable route back is none, which only rp_filter minds',
		'192.0.2.1',
		{
			everHadRules: true,
			routes: [{ family: 'ipv4', destination: '192.0.2.0/24', type: 'unreachable' }],
		},
		through,
	],
];

test.each(cases)('%s', (_, from, options, end) => {
	expect(endOf(send({ from, to }, options))).toBe(end);
});

describe('marks', () => {
	const marked: RouterOptions = {
		mark: 7,
		rules: [
			{ family: 'ipv4', priority: 0, action: 'lookup', table: 255 },
			{ family: 'ipv4', priority: 100, action: 'lookup', table: 100, mark: 7 },
			{ family: 'ipv4', priority: 32766, action: 'lookup', table: 254 },
		],
		routes: [
			{ family: 'ipv4', destination: '192.0.2.0/24', table: 100, nextHops: [{ device: 'veth0' }] },
			{
				family: 'ipv4',
				destination: '0.0.0.0/0',
				table: 100,
				nextHops: [{ device: 'veth1', via: '10.0.1.1' }],
			},
		],
	};

	test('the way back is looked up without the mark', () => {
		expect(endOf(send({ from: '192.0.2.1', to: '198.51.100.1' }, { ...marked, sysctls: rp(1) }))).toBe(
			refused.rp,
		);
	});

	test.each(['all', 'veth0'])('with src_valid_mark of %s, with it', (device) => {
		const sysctls = { ...rp(1), [`net.ipv4.conf.${device}.src_valid_mark`]: 1 };
		expect(endOf(send({ from: '192.0.2.1', to: '198.51.100.1' }, { ...marked, sysctls }))).toBe(through);
	});
});

test('a hairpin is checked in full where redirects are sent', () => {
	const back = { from: '10.0.0.255', to: '10.0.0.1' };
	expect(endOf(send(back))).toBe(refused.invalid);
	const none = { 'net.ipv4.conf.veth0.send_redirects': 0, 'net.ipv4.conf.all.send_redirects': 0 };
	expect(endOf(send(back, { sysctls: none }))).toBe('forwarded host0');
});

test.each([
	['5.10.0', 'NOT_SPECIFIED'],
	['5.18.0', 'IP_RPFILTER'],
])('on %s the reverse path is refused with %s, counted, and logged if asked for', (kernel, reason) => {
	const sysctls = { ...rp(1), 'net.ipv4.conf.all.log_martians': 1 };
	const { outcome, traces } = send({ from: '192.0.2.1', to }, { kernel, sysctls });
	expect(outcome).toMatchObject({ reason, cause: 'reverse-path' });
	expect(traces?.counters).toContain('TcpExtIPReversePathFilter');
	expect(traces?.log).toMatch(/^martian source 10\.0\.1\.1 from 192\.0\.2\.1, on dev veth0\n/);
});
