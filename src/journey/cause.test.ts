import { expect, test } from 'vitest';
import { outcomes } from '../datapath/layout.ts';
import { type Cause, causeOfDrop, causeOfOutcome, causes } from './cause.ts';
import { describeOutcome } from './hops.ts';

/** What the kernel says, where, and what it means, as observed on 6.18 or read in older sources. */
const drops: readonly (readonly [reason: string, where: string, cause: Cause])[] = [
	['IP_RPFILTER', 'ip_rcv_finish_core', 'reverse-path'],
	['IP_LOCAL_SOURCE', 'ip_rcv_finish_core', 'source-is-local'],
	['IP_INVALID_SOURCE', 'ip_rcv_finish_core', 'source-invalid'],
	['IP_LOCALNET', 'ip_rcv_finish_core', 'loopback-address'],
	['IP_INVALID_DEST', 'ip_rcv_finish_core', 'destination-invalid'],
	['IP_INADDRERRORS', 'ip_error', 'forwarding-off'],
	['IP_INADDRERRORS', 'ip6_forward', 'forwarding-off'],
	['IP_INNOROUTES', 'ip_error', 'no-route'],
	['IP_INNOROUTES', 'ip6_pkt_drop', 'no-route'],
	['IP_INHDR', 'ip_forward', 'ttl-expired'],
	['IP_INHDR', 'ip6_forward', 'ttl-expired'],
	['IP_INHDR', 'ip_rcv_core', 'header-invalid'],
	['IP_INHDR', 'ip6_rcv_core', 'header-invalid'],
	['PKT_TOO_BIG', 'ip_forward', 'too-big'],
	['PKT_TOO_BIG', 'ip6_forward', 'too-big'],
	['NEIGH_FAILED', 'neigh_invalidate', 'neighbour-failed'],
	['NOT_SPECIFIED', 'neigh_invalidate', 'neighbour-failed'],
	['NEIGH_CREATEFAIL', 'ip_finish_output2', 'neighbour-failed'],
	['NEIGH_DEAD', '__neigh_event_send', 'neighbour-failed'],
	['NEIGH_QUEUEFULL', '__neigh_event_send', 'neighbour-queue-full'],
	['QDISC_DROP', '__dev_queue_xmit', 'no-carrier'],
	['OTHERHOST', 'ip_rcv_core', 'wrong-mac'],
	['OTHERHOST', 'ip6_rcv_core', 'wrong-mac'],
	['IP_CSUM', 'ip_rcv_core', 'bad-checksum'],
	['PKT_TOO_SMALL', 'ip_rcv_core', 'truncated'],
	['IP_NOPROTO', 'ip_protocol_deliver_rcu', 'no-receiver'],
	['NO_SOCKET', '__udp4_lib_rcv', 'no-receiver'],
	['NETFILTER_DROP', 'nf_hook_slow', 'netfilter'],
	['IPV6DISABLED', 'ip6_rcv_core', 'ipv6-disabled'],
	['TC_INGRESS', 'sch_handle_ingress', 'tc-program'],
	['TC_EGRESS', 'sch_handle_egress', 'tc-program'],
	['XDP', 'do_xdp_generic', 'xdp-program'],
	['IP_INADDRERRORS', 'ip6_pkt_discard', 'destination-invalid'],
	['UNHANDLED_PROTO', 'ip6_rcv_core', 'header-invalid'],
	['NOT_SPECIFIED', 'ip6_rcv_core', 'ipv6-disabled'],
	['NOT_SPECIFIED', 'dst_discard_out', 'route-blackhole'],
	['NOT_SPECIFIED', 'ip6_mc_input', 'destination-invalid'],
	['IP_INNOROUTES', 'ip6_pkt_prohibit', 'route-prohibit'],
	['FRAG_REASM_TIMEOUT', 'ip_expire', 'reassembly-timeout'],
	['NOT_SPECIFIED', 'ip_expire', 'reassembly-timeout'],
];

test.each(drops)('%s at %s is %s', (reason, where, cause) => {
	for (const local of [false, true]) expect(causeOfDrop({ reason, where }, local)).toBe(cause);
});

test('before Linux 6.13 a local source is told by the packet, not by a reason', () => {
	for (const where of ['ip_rcv_finish_core', 'ip_rcv_finish', 'ip_rcv_finish_core.constprop.0']) {
		expect(causeOfDrop({ reason: 'NOT_SPECIFIED', where }, true)).toBe('source-is-local');
		expect(causeOfDrop({ reason: 'NOT_SPECIFIED', where }, false)).toBe('unknown');
	}
	expect(causeOfDrop({ reason: 'NOT_SPECIFIED', where: '0xffffffff81c0ffee' }, true)).toBe('unknown');
});

test('before Linux 5.18 what rp_filter drops is told by a counter, not by a reason', () => {
	for (const local of [false, true]) {
		const drop = { reason: 'NOT_SPECIFIED', where: 'ip_rcv_finish_core', reversePathFailed: true };
		expect(causeOfDrop(drop, local)).toBe('reverse-path');
		expect(causeOfDrop({ ...drop, where: 'ip_forward' }, local)).toBe('unknown');
	}
});

test('what the kernel does not say is not guessed', () => {
	expect(causeOfDrop({ reason: 'NOT_SPECIFIED', where: 'ip_error' }, true)).toBe('unknown');
	expect(causeOfDrop({ reason: 'SOMETHING_NEW', where: 'somewhere' }, false)).toBe('unknown');
	expect(causeOfDrop({ reason: 'QDISC_DROP', where: 'fq_codel_enqueue' }, false)).toBe('unknown');
});

test('every outcome by which the datapath drops has a cause, and no other has one', () => {
	for (const outcome of outcomes) {
		const drops = describeOutcome(outcome).startsWith('dropped');
		expect(causeOfOutcome(outcome) !== 'unknown', outcome).toBe(drops);
	}
});

test('causes are codes with a meaning each', () => {
	for (const [code, meaning] of Object.entries(causes)) {
		expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
		expect(meaning).not.toBe('');
	}
	expect(new Set(Object.values(causes)).size).toBe(Object.keys(causes).length);
});
