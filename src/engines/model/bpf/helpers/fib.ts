/** bpf_fib_lookup and bpf_check_mtu: questions to the world around the program (net/core/filter.c). */
import { fibResults } from '../../../../datapath/layout.ts';
import type { FibAnswer, FibRequest, FibRoute } from '../environment.ts';
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { layout } from '../memory.ts';
import { skbField, skbValue } from '../skb.ts';
import { isGso } from './adjust-room.ts';
import { both, type Helper } from './prototype.ts';

/** Offsets in struct bpf_fib_lookup. */
const field = {
	family: 0,
	protocol: 1,
	sourcePort: 2,
	destinationPort: 4,
	/** In: tot_len; out: mtu_result. */
	length: 6,
	device: 8,
	/** In: tos or flowinfo; out: rt_metric. */
	class: 12,
	source: 16,
	destination: 32,
	/** In: tbid; out: h_vlan_proto and h_vlan_TCI. */
	table: 48,
	/** In: mark. */
	sourceMac: 52,
	destinationMac: 58,
} as const;
const lookupBytes = 64;

/** BPF_FIB_LOOKUP_* */
const flag = { direct: 1, output: 2, skipNeighbour: 4, table: 8, source: 16, mark: 32 } as const;
const knownFlags = 63;

const familyNumber = { ipv4: 2, ipv6: 10 } as const;
const addressBytes = { ipv4: 4, ipv6: 16 } as const;

function readRequest({ memory }: Machine, at: number, family: 'ipv4' | 'ipv6', flags: number): FibRequest {
	const { view } = memory;
	const has = (bit: number): boolean => (flags & bit) !== 0;
	return {
		family,
		ifindex: view.getUint32(at + field.device, true),
		source: memory.copy(at + field.source, addressBytes[family]),
		destination: memory.copy(at + field.destination, addressBytes[family]),
		protocol: view.getUint8(at + field.protocol),
		sourcePort: view.getUint16(at + field.sourcePort, false),
		destinationPort: view.getUint16(at + field.destinationPort, false),
		tos: family === 'ipv4' ? view.getUint8(at + field.class) : 0,
		flowInfo: family === 'ipv6' ? view.getUint32(at + field.class, false) : 0,
		totalLength: view.getUint16(at + field.length, true),
		mark: has(flag.mark) && !has(flag.direct) ? view.getUint32(at + field.sourceMac, true) : 0,
		table: has(flag.direct) && has(flag.table) ? view.getUint32(at + field.table, true) : undefined,
		direct: has(flag.direct),
		output: has(flag.output),
		skipNeighbour: has(flag.skipNeighbour),
		wantSource: has(flag.source),
	};
}

function writeRoute({ memory }: Machine, at: number, { device, nextHop, metric, source }: FibRoute): void {
	const { view, bytes } = memory;
	view.setUint32(at + field.class, metric, true);
	view.setUint32(at + field.device, device, true);
	if (source !== undefined) bytes.set(source, at + field.source);
	if (nextHop === undefined) return;
	view.setUint8(at + field.family, familyNumber[nextHop.family]);
	bytes.set(nextHop.address, at + field.destination);
}

/** Write what the kernel writes, and its return code: a BPF_FIB_LKUP_RET_* or a negative error. */
function writeAnswer(machine: Machine, at: number, request: FibRequest, answer: FibAnswer): number {
	const { view, bytes } = machine.memory;
	if (answer.result === 'no-device') return -errno.ENODEV;
	if (request.table !== undefined && answer.result !== 'fwd-disabled')
		view.setUint32(at + field.table, 0, true);
	const code = fibResults.indexOf(answer.result);
	switch (answer.result) {
		case 'frag-needed':
			view.setUint16(at + field.length, answer.mtu, true);
			return code;
		case 'no-neigh':
		case 'no-src-addr':
			writeRoute(machine, at, answer);
			return code;
		case 'success': {
			writeRoute(machine, at, answer);
			if (answer.destinationMac !== undefined) bytes.set(answer.destinationMac, at + field.destinationMac);
			if (answer.sourceMac !== undefined) bytes.set(answer.sourceMac, at + field.sourceMac);
			view.setUint32(at + field.table, 0, true);
			if (machine.hook === 'tc' && request.totalLength === 0) return holdToDevice(machine, at, answer.device);
			view.setUint16(at + field.length, answer.mtu, true);
			return code;
		}
		default:
			return code;
	}
}

/** At TC, without a length: the skb itself is held to the egress device's MTU (is_skb_forwardable). */
function holdToDevice(machine: Machine, at: number, egress: number): number {
	const device = machine.environment.device(egress);
	if (device === undefined) return -errno.ENODEV;
	const vlanBytes = 4;
	const most = device.mtu + (device.headerBytes ?? ethernetBytes) + vlanBytes;
	machine.memory.view.setUint16(at + field.length, device.mtu, true);
	const fits = skbValue(machine, skbField.length) <= most || isGso(machine);
	return fibResults.indexOf(device.up && fits ? 'success' : 'frag-needed');
}

function fibLookup(machine: Machine, address = 0, bytes = 0, flags = 0): number {
	const at = address >>> 0;
	if (bytes < lookupBytes || (flags & ~knownFlags) !== 0) return -errno.EINVAL;
	const number = machine.memory.view.getUint8(at + field.family);
	const family = number === familyNumber.ipv4 ? 'ipv4' : number === familyNumber.ipv6 ? 'ipv6' : undefined;
	if (family === undefined) return -errno.EAFNOSUPPORT;
	const request = readRequest(machine, at, family, flags);
	return writeAnswer(machine, at, request, machine.environment.fibLookup(request));
}

const ethernetBytes = 14;
const [fits, fragNeeded] = [0, 1];
const checkSegments = 1; // BPF_MTU_CHK_SEGS

function checkMtu(machine: Machine, ifindex = 0, at = 0, difference = 0, flags = 0, rest = 0): number {
	const { memory, hook } = machine;
	const address = at >>> 0;
	const given = memory.view.getUint32(address, true);
	const known = hook === 'xdp' ? 0 : checkSegments;
	if (rest !== 0 || (flags & ~known) !== 0) return -errno.EINVAL;
	if ((flags & checkSegments) !== 0 && (difference !== 0 || given !== 0)) return -errno.EINVAL;
	const ownOffset = hook === 'xdp' ? 12 : skbField.device;
	const own = memory.view.getUint32(layout.context + ownOffset, true);
	const device = machine.environment.device(ifindex === 0 ? own : ifindex >>> 0);
	if (device === undefined) return -errno.ENODEV;
	const header = device.headerBytes ?? ethernetBytes;
	const frame = hook === 'xdp' ? machine.dataEnd - machine.data : skbValue(machine, skbField.length);
	const length = ((given === 0 ? frame : given + header) + difference) | 0;
	memory.view.setUint32(address, device.mtu, true);
	return length <= device.mtu + header || (hook === 'tc' && isGso(machine)) ? fits : fragNeeded;
}

export const fibHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		69,
		{
			name: 'bpf_fib_lookup',
			hooks: both,
			arguments: ['context', { does: 'both', bytes: { argument: 2 } }, 'number', 'number'],
			result: 'signed',
			run: fibLookup,
		},
	],
	[
		163,
		{
			name: 'bpf_check_mtu',
			hooks: both,
			arguments: ['context', 'number', { does: 'both', bytes: 4 }, 'number', 'long'],
			result: 'signed',
			run: checkMtu,
		},
	],
]);
