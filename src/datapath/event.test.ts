import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo } from '../../test/packet/arbitraries.ts';
import { decodeEvent, type Event, eventSize } from './event.ts';
import { fibResults, sightingLayout as layout, outcomes, places } from './layout.ts';

/** struct sighting as bpf/sighting.h writes it, by the layout. */
function encodeEvent(event: Event): Uint8Array {
	const bytes = new Uint8Array(layout.size).fill(0xee);
	const view = new DataView(bytes.buffer);
	const { fib } = event;
	view.setBigUint64(layout.time.offset, event.time, true);
	view.setBigUint64(layout.location.offset, event.location, true);
	view.setUint32(layout.namespace.offset, event.namespace, true);
	view.setUint32(layout.device.offset, event.device, true);
	view.setUint32(layout.reason.offset, event.reason, true);
	view.setUint32(layout.egress.offset, fib?.device ?? 0, true);
	view.setUint32(layout.length.offset, event.length, true);
	view.setUint16(layout.captured.offset, event.frame.length, true);
	view.setUint16(layout.mtu.offset, fib?.mtu ?? 0, true);
	view.setUint8(layout.place.offset, places.indexOf(event.place));
	view.setUint8(layout.outcome.offset, outcomes.indexOf(event.outcome));
	view.setInt8(layout.fib.offset, fib === undefined ? -1 : fibResults.indexOf(fib.result));
	view.setInt8(layout.verdict.offset, event.verdict);
	view.setUint8(layout.routeError.offset, event.routeError);
	bytes.set(event.frame, layout.bytes.offset);
	return bytes;
}

const uint32 = fc.nat(0xffffffff);
const uint64 = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });

const anyEvent: fc.Arbitrary<Event> = fc.record({
	time: uint64,
	place: fc.constantFrom(...places),
	namespace: uint32,
	device: uint32,
	length: uint32,
	frame: bytesUpTo(layout.bytes.size),
	reason: uint32,
	location: uint64,
	routeError: fc.nat(0xff),
	outcome: fc.constantFrom(...outcomes),
	verdict: fc.integer({ min: -128, max: 127 }),
	fib: fc.option(fc.record({ result: fc.constantFrom(...fibResults), device: uint32, mtu: fc.nat(0xffff) }), {
		nil: undefined,
	}),
});

test('what the layout describes is what is decoded', () => {
	fc.assert(
		fc.property(anyEvent, (event) => {
			expect(decodeEvent(encodeEvent(event))).toEqual(event);
		}),
	);
});

test('an event of an IPv6 frame, byte by byte', () => {
	const bytes = Buffer.alloc(eventSize);
	bytes.write('0807060504030201', 0, 'hex'); // time
	bytes.write('00ffffff81c0ffee', 8, 'hex'); // location
	bytes.write('01000000 02000000 03000000 04000000 e8030000'.replaceAll(' ', ''), 16, 'hex');
	bytes.write('0300 dc05'.replaceAll(' ', ''), 36, 'hex'); // captured, mtu
	bytes.write('01080002', 40, 'hex'); // place, outcome, fib, verdict
	bytes.write('71', 44, 'hex'); // route_error
	bytes.write('aabbcc', 48, 'hex');
	expect(decodeEvent(Uint8Array.from(bytes))).toEqual({
		time: 0x0102030405060708n,
		location: 0xeeffc081ffffff00n,
		namespace: 1,
		device: 2,
		reason: 3,
		length: 1000,
		frame: Uint8Array.of(0xaa, 0xbb, 0xcc),
		place: 'xdp-out',
		routeError: 113,
		outcome: 'forwarded',
		verdict: 2,
		fib: { result: 'success', device: 4, mtu: 1500 },
	});
});

test('the frame is a copy: the ring buffer is written again', () => {
	const bytes = new Uint8Array(eventSize);
	new DataView(bytes.buffer).setUint16(layout.captured.offset, 4, true);
	const { frame } = decodeEvent(bytes);
	bytes.fill(0xff);
	expect(frame).toEqual(new Uint8Array(4));
});

test('an event inside a larger buffer', () => {
	const bytes = new Uint8Array(eventSize + 16);
	const inside = bytes.subarray(16);
	new DataView(bytes.buffer).setUint32(16 + layout.device.offset, 7, true);
	expect(decodeEvent(inside).device).toBe(7);
});
