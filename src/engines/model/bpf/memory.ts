/**
 * The linear memory that programs and their helpers share. Addresses in it are those a program sees. It has
 * two halves: the data, and for every byte of it what a checked program may do there.
 */
import { EncapForwardError } from '../../../error.ts';
import { type WasmMemory, webAssembly } from './webassembly.ts';

/** What a checked program may do with a byte. */
export const permission = { none: 0, read: 1, write: 2, both: 3 } as const;

const page = 0x10000;

/** 256 MiB of data. */
const mostBits = 28;

/** Where things stand. What is below `context` belongs to nobody, so that a null pointer does, too. */
export const layout = {
	/** struct xdp_md or struct __sk_buff. */
	context: 0x1000,
	contextBytes: 0xc0,
	/** Eight bytes through which helpers return a number of 64 bits. */
	result: 0x1100,
	/** The kernel's ticks, 64 bits. */
	jiffies: 0x1108,
	/** XDP: where the frame's buffer begins. */
	hardStart: 0x1110,
	/** Whether bpf_redirect was the last to say where the frame goes; the device and the flags it said. */
	redirected: 0x1114,
	redirectDevice: 0x1118,
	redirectFlags: 0x111c,
	/** Eight frames of 512 bytes, the first at the top. */
	stackBottom: 0x2000,
	stackTop: 0x3000,
	/** The frame and the room around it. */
	packetBottom: 0x4000,
	packet: 0x8000,
	packetTop: 0x20000,
	heap: 0x20000,
} as const;

export class BpfMemory {
	readonly memory: WasmMemory;
	readonly bytes: Uint8Array;
	readonly view: DataView;
	/** 2 to the power of this is the size of the data, and where the permissions begin. */
	readonly bits: number;
	#next: number = layout.heap;

	/** With room for so many bytes of maps and variables, and as much again for a program loaded later. */
	constructor(heapBytes: number) {
		this.bits = Math.max(20, Math.ceil(Math.log2(layout.heap + 2 * heapBytes)));
		if (this.bits > mostBits) {
			throw new EncapForwardError(
				'EF_INPUT',
				`the maps need ${heapBytes} bytes, more than the model's memory can have; give them fewer entries`,
			);
		}
		// One page more: a check may read past the last byte's permission.
		const pages = (2 * 2 ** this.bits) / page + 1;
		this.memory = new webAssembly.Memory({ initial: pages, maximum: pages });
		this.bytes = new Uint8Array(this.memory.buffer);
		this.view = new DataView(this.memory.buffer);
		this.permit(layout.stackBottom, layout.stackTop - layout.stackBottom, permission.both);
	}

	get pages(): number {
		return this.bytes.length / page;
	}

	/** The address of so many bytes, zero, aligned to 8, with nothing right behind them. @throws EF_INPUT */
	allocate(bytes: number): number {
		const address = this.#next;
		this.#next += (bytes + 15) & ~7;
		if (this.#next > 2 ** this.bits) {
			throw new EncapForwardError(
				'EF_INPUT',
				`the model's memory has no room for ${bytes} bytes more; load the program with the larger maps first, or give the maps fewer entries`,
			);
		}
		return address;
	}

	permit(address: number, bytes: number, what: number): void {
		const from = 2 ** this.bits + address;
		this.bytes.fill(what, from, from + bytes);
	}

	/** Whether every byte has the permission. */
	isPermitted(address: number, bytes: number, what: number): boolean {
		const size = 2 ** this.bits;
		if (address + bytes > size) return false;
		for (let at = size + address; at < size + address + bytes; at++) {
			if (((this.bytes[at] ?? 0) & what) !== what) return false;
		}
		return true;
	}

	copy(address: number, bytes: number): Uint8Array {
		return this.bytes.slice(address, address + bytes);
	}
}
