/** tshark and capinfos read what the pcapng writer writes. */
import { expect, test } from 'vitest';
import { pcapng } from '../../src/packet/pcapng.ts';
import { requires } from '../needs.ts';
import { runOnCapture, tsharkFields } from './tshark.ts';

const frame = Uint8Array.from({ length: 61 }, (_, index) => index);

const capture = pcapng({
	application: 'encap-forward test',
	os: 'Linux 6.1.0',
	interfaces: [{ name: 'veth0', description: 'the router, towards host0' }, { name: 'veth1' }],
	packets: [
		{ interface: 0, timestamp: 1_700_000_000_123_456_789n, bytes: frame, comment: 'in – naïve ✓' },
		{
			interface: 1,
			timestamp: 1_700_000_000_123_456_790n,
			bytes: frame.subarray(0, 60),
			length: 1500,
			direction: 'outbound',
			verdict: { hook: 'tc', action: 7 },
		},
		{
			interface: 0,
			timestamp: 1_700_000_001_000_000_000n,
			bytes: frame,
			comment: 'dropped',
			direction: 'inbound',
			verdict: { hook: 'xdp', action: 1 },
		},
		{
			interface: 0,
			timestamp: 1_700_000_001_000_000_001n,
			bytes: frame,
			verdict: { hook: 'tc', action: -1 },
		},
	],
});

test('tshark reads names, times, lengths, comments and verdicts', requires('tshark'), () => {
	const read = tsharkFields(capture, [
		'frame.interface_name',
		'frame.interface_description',
		'frame.time_epoch',
		'frame.cap_len',
		'frame.len',
		'frame.comment',
		'frame.packet_flags_direction',
		'frame.verdict.ebpf_tc',
		'frame.verdict.ebpf_xdp',
	]);
	expect(read.map((fields) => Object.values(fields))).toEqual([
		['veth0', 'the router, towards host0', '1700000000.123456789', '61', '61', 'in – naïve ✓', '', '', ''],
		['veth1', '', '1700000000.123456790', '60', '1500', '', '0x00000002', '7', ''],
		[
			'veth0',
			'the router, towards host0',
			'1700000001.000000000',
			'61',
			'61',
			'dropped',
			'0x00000001',
			'',
			'1',
		],
		['veth0', 'the router, towards host0', '1700000001.000000001', '61', '61', '', '', '-1', ''],
	]);
});

test('capinfos reads the section and its interfaces', requires('capinfos'), () => {
	const lines = runOnCapture('capinfos', capture, (path) => [path])
		.split('\n')
		.map((line) => line.trim().replace(/ *(:|=) */, '$1 '));
	for (const line of [
		'File encapsulation: Ethernet',
		'File timestamp precision: nanoseconds (9)',
		'Number of packets: 4',
		'Strict time order: True',
		'Capture oper-sys: Linux 6.1.0',
		'Capture application: encap-forward test',
		'Number of interfaces in file: 2',
		'Name= veth0',
		'Description= the router, towards host0',
		'Name= veth1',
	])
		expect(lines).toContain(line);
});
