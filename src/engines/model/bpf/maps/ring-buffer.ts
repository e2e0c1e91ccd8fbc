/**
 * BPF_MAP_TYPE_RINGBUF (kernel/bpf/ringbuf.c): records that a program reserves, fills in and submits. What a
 * run submitted is taken at its end, so that the buffer is empty at the beginning of every run.
 */
import { errno } from '../errno.ts';
import { type BpfMemory, permission } from '../memory.ts';
import { type MapDefinition, MemoryMap } from './map.ts';

/** Before each record, as in the kernel. */
const headerBytes = 8;

/** BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE, BPF_RB_CONS_POS, BPF_RB_PROD_POS */
const query = { available: 0, size: 1, consumer: 2, producer: 3 } as const;

interface Record {
	readonly address: number;
	readonly bytes: number;
	state: 'reserved' | 'submitted' | 'discarded';
}

export class RingBufferMap extends MemoryMap {
	readonly #base: number;
	#records: Record[] = [];
	#used = 0;

	constructor(definition: MapDefinition, memory: BpfMemory) {
		super(definition, memory);
		this.#base = memory.allocate(this.entries);
	}

	/** The address of a new record, or 0 where there is no room. */
	reserve(bytes: number, flags: number): number {
		if (flags !== 0) return 0;
		const length = (bytes + headerBytes + 7) & ~7;
		if (length > this.entries || this.#used + length > this.entries - 1) return 0;
		const address = this.#base + this.#used + headerBytes;
		this.#used += length;
		this.#records.push({ address, bytes, state: 'reserved' });
		this.memory.permit(address, bytes, permission.both);
		return address;
	}

	/** End a reservation; false where there is none at this address. */
	end(address: number, state: 'submitted' | 'discarded'): boolean {
		const record = this.#records.find((each) => each.address === address && each.state === 'reserved');
		if (record === undefined) return false;
		record.state = state;
		this.memory.permit(address, record.bytes, permission.none);
		return true;
	}

	/** bpf_ringbuf_output: a copy as a record. */
	output(from: number, bytes: number, flags: number): number {
		// BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP
		if (flags > 3) return -errno.EINVAL;
		const address = this.reserve(bytes, 0);
		if (address === 0) return -11; // -EAGAIN
		this.memory.bytes.copyWithin(address, from, from + bytes);
		this.end(address, 'submitted');
		return 0;
	}

	query(what: number): number {
		switch (what) {
			case query.available:
			case query.producer:
				return this.#used;
			case query.size:
				return this.entries;
			default:
				return 0;
		}
	}

	/** The submitted records, and forget all. */
	take(): Uint8Array[] {
		if (this.#records.length === 0) return [];
		const taken = this.#records
			.filter(({ state }) => state === 'submitted')
			.map(({ address, bytes }) => this.memory.copy(address, bytes));
		this.clear();
		return taken;
	}

	find(_key: number): number {
		return 0;
	}

	set(_key: number, _value: number, _flags: number): number {
		return -errno.ENOTSUPP;
	}

	remove(_key: number): number {
		return -errno.ENOTSUPP;
	}

	keys(): Uint8Array[] {
		return [];
	}

	clear(): void {
		this.memory.permit(this.#base, this.#used, permission.none);
		this.#records = [];
		this.#used = 0;
	}
}
