/** What programs on one memory share: their maps, and the run under way with its frame and context. */
import type { BpfEnvironment } from './environment.ts';
import type { MemoryMap } from './maps/map.ts';
import { RingBufferMap } from './maps/ring-buffer.ts';
import { type BpfMemory, layout, permission } from './memory.ts';
import type { BpfHook, BpfRedirect } from './program.ts';
import type { SkbState } from './skb.ts';

/** Distance of the handles of maps: addresses that nobody may read, which tell maps apart. */
const handleBytes = 8;

/** Of the member `data` in struct xdp_md and struct __sk_buff; `data_end` follows. */
const dataOffset = { xdp: 0, tc: 76 } as const;

export class Machine {
	readonly memory: BpfMemory;
	readonly maps: MemoryMap[] = [];
	readonly ringBuffers: RingBufferMap[] = [];

	hook: BpfHook = 'xdp';
	/** The program under way is a checked one: permissions are kept. */
	checked = false;
	environment: BpfEnvironment = noEnvironment;
	/** XDP: where the frame's buffer ends. */
	hardEnd = 0;
	/** TC: what the kernel knows of the skb besides its context. */
	skb: SkbState | undefined;
	/** Where the frame goes, unless `layout.redirected` says that it is to a device. */
	redirect: BpfRedirect | undefined;

	constructor(memory: BpfMemory) {
		this.memory = memory;
	}

	/** Its handle: what a program loads for it. */
	add(map: MemoryMap): number {
		this.maps.push(map);
		if (map instanceof RingBufferMap) this.ringBuffers.push(map);
		return this.maps.length * handleBytes;
	}

	map(handle: number): MemoryMap | undefined {
		return this.maps[handle / handleBytes - 1];
	}

	handle(map: MemoryMap): number {
		return (this.maps.indexOf(map) + 1) * handleBytes;
	}

	/** Address of the frame's first byte. */
	get data(): number {
		return this.memory.view.getUint32(layout.context + dataOffset[this.hook], true);
	}

	/** Of what is behind the last byte that can be reached there. */
	get dataEnd(): number {
		return this.memory.view.getUint32(layout.context + dataOffset[this.hook] + 4, true);
	}

	/** Where the frame lies now; what was reachable before and is not now becomes nobody's. */
	place(data: number, dataEnd: number): void {
		const { memory } = this;
		if (this.checked) {
			move(memory, data, this.data);
			move(memory, this.dataEnd, dataEnd);
		}
		const offset = dataOffset[this.hook];
		memory.view.setUint32(layout.context + offset, data, true);
		memory.view.setUint32(layout.context + offset + 4, dataEnd, true);
	}

	/** Where the frame lies at the beginning of a run, which may be at another hook than the last. */
	begin(data: number, dataEnd: number): void {
		const { view } = this.memory;
		const offset = layout.context + dataOffset[this.hook];
		view.setUint32(offset, data, true);
		view.setUint32(offset + 4, data, true);
		this.place(data, dataEnd);
	}

	/** A number of 64 bits as a helper's result. */
	setResult(value: bigint): undefined {
		this.memory.view.setBigUint64(layout.result, value, true);
	}
}

/** What is between an end of the frame and where it is now becomes the frame's, or nobody's. */
function move(memory: BpfMemory, from: number, to: number): void {
	if (from < to) memory.permit(from, to - from, permission.both);
	else if (from > to) memory.permit(to, from - to, permission.none);
}

const outside = (): never => {
	throw new TypeError('no program is running');
};

const noEnvironment: BpfEnvironment = {
	fibLookup: outside,
	device: outside,
	now: outside,
	jiffies: outside,
	random: outside,
};
