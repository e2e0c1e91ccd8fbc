/** What programs on one memory share: their maps, and the run under way with its frame and context. */
import type { BpfEnvironment } from './environment.ts';
import type { MemoryMap } from './maps/map.ts';
import { RingBufferMap } from './maps/ring-buffer.ts';
import { type BpfMemory, layout, permission } from './memory.ts';
import type { BpfHook, BpfRedirect } from './program.ts';
import type { SkbState } from './skb.ts';
import type { XdpState } from './xdp.ts';

/** Distance of the handles of maps: addresses that nobody may read, which tell maps apart. */
const handleBytes = 8;

export class Machine {
	readonly memory: BpfMemory;
	readonly maps: MemoryMap[] = [];
	readonly ringBuffers: RingBufferMap[] = [];

	hook: BpfHook = 'xdp';
	/** The program under way is a checked one: permissions are kept. */
	checked = false;
	environment: BpfEnvironment = noEnvironment;
	/** Address of the frame's first byte, and of what is behind the last that can be reached there. */
	data = 0;
	dataEnd = 0;
	/** Of the hook that the program under way is at. */
	readonly xdp: XdpState = { hardStart: 0, hardEnd: 0, metadata: 0 };
	skb: SkbState | undefined;
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

	/** Where the frame lies now; what was reachable before and is not now becomes nobody's. */
	place(data: number, dataEnd: number): void {
		const { memory } = this;
		if (this.checked) {
			memory.permit(this.data, this.dataEnd - this.data, permission.none);
			memory.permit(data, dataEnd - data, permission.both);
		}
		this.data = data;
		this.dataEnd = dataEnd;
		const offset = this.hook === 'xdp' ? 0 : 76;
		memory.view.setUint32(layout.context + offset, data, true);
		memory.view.setUint32(layout.context + offset + 4, dataEnd, true);
	}

	/** A number of 64 bits as a helper's result. */
	setResult(value: bigint): undefined {
		this.memory.view.setBigUint64(layout.result, value, true);
	}
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
