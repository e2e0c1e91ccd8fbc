/**
 * A BPF program of a compiled object, run without a kernel; loadProgram is in load.ts:
 *
 *     const xdp = loadProgram({ object, constants: { forwarding: 1 } });
 *     xdp.maps.tunnels.update(key, value);
 *     const { returnCode, frame, redirect } = xdp.run({ frame, context: { ingressDevice: 3 }, environment });
 *
 * The object is translated to WebAssembly once; running it is cheap. Nothing of Node.js is used.
 */
import type { BpfEnvironment, NextHop } from './environment.ts';

export type BpfHook = 'xdp' | 'tc';

/**
 * `checked` holds every access to what the program may touch and stops a program that does not end; `fast`
 * does neither, and is for programs that the kernel's verifier has accepted.
 */
export type BpfBuild = 'checked' | 'fast';

export interface LoadProgramOptions {
	/** The bytes of the compiled object file. */
	readonly object: Uint8Array;
	/** Which program, by its C name; needed only where the object has several. */
	readonly program?: string;
	/** Values of global variables by name, as libbpf sets them before loading. */
	readonly constants?: Readonly<Record<string, number | boolean>>;
	/** Maps of a program loaded before to use instead of own ones, by name. */
	readonly maps?: Readonly<Record<string, BpfMap>>;
	/** Entries of maps whose size is not the source's. */
	readonly entries?: Readonly<Record<string, number>>;
	/** `checked` if not given. */
	readonly build?: BpfBuild;
	/** Checked: how often a run may jump back before it is stopped; a million if not given. */
	readonly fuel?: number;
}

export interface BpfProgram {
	readonly name: string;
	readonly hook: BpfHook;
	/** By their C names. */
	readonly maps: Readonly<Record<string, BpfMap>>;
	/**
	 * Run it on a frame.
	 * @throws EF_BPF_FAULT where the program touches what is not its own, EF_BPF_ENDLESS where it does not end
	 */
	run(options: RunOptions): RunResult;
	/** Set a global variable, such as the datapath's `generation`; not one that is constant. */
	setVariable(name: string, value: number): void;
	/** Forget what its maps hold and set its variables as they were when it was loaded. */
	reset(): void;
}

/** A map as the program and TypeScript both see it. Keys and values are bytes as the program's structs have them. */
export interface BpfMap {
	readonly name: string;
	readonly kind: BpfMapKind;
	readonly keyBytes: number;
	/** Of a per-CPU map, of one processor: there is one here. */
	readonly valueBytes: number;
	/** Most entries it can have; of a ring buffer, its bytes. */
	readonly entries: number;
	/** A copy; undefined where there is no such entry. Of a trie, the longest prefix that matches. */
	lookup(key: Uint8Array): Uint8Array | undefined;
	/** @throws EF_INPUT with the kernel's error, where it cannot be */
	update(key: Uint8Array, value: Uint8Array): void;
	/** False where there was no such entry. */
	delete(key: Uint8Array): boolean;
	/** Copies of the keys of all entries. */
	keys(): Uint8Array[];
	/** Remove every entry; of an array, set all to zero. */
	clear(): void;
	/**
	 * Set the first entries of an array, or all of them, to values that stand one behind the other.
	 * @throws EF_INPUT where they are no whole entries, or too many
	 */
	fill(values: Uint8Array): void;
}

export type BpfMapKind =
	| 'array'
	| 'percpu-array'
	| 'hash'
	| 'percpu-hash'
	| 'lru-hash'
	| 'lru-percpu-hash'
	| 'lpm-trie'
	| 'devmap'
	| 'devmap-hash'
	| 'ring-buffer';

export interface RunOptions {
	/** Ethernet header first. Of a TC program, without the VLAN tag that the kernel takes out. */
	readonly frame: Uint8Array;
	/** By the program's hook. */
	readonly context: XdpContext | SkbContext;
	readonly environment: BpfEnvironment;
	/**
	 * How often to run, once if not given. As with the kernel's BPF_PROG_TEST_RUN, every run sees the frame that
	 * the last one left, and the result is the last one's.
	 */
	readonly repeat?: number;
}

/** struct xdp_md, and what the driver left around the frame. */
export interface XdpContext {
	/** ifindex of the device the frame came in on. */
	readonly ingressDevice: number;
	readonly queue?: number;
	/** ifindex, for a program at a devmap entry. */
	readonly egressDevice?: number;
	/** Bytes before the frame, of which the kernel takes 40; 256 if not given. */
	readonly headroom?: number;
	/** Bytes behind the frame that it may grow into; 3500 less the frame's length if not given, at least 0. */
	readonly tailroom?: number;
}

/** What a TC program sees in struct __sk_buff besides the frame. */
export interface SkbContext {
	/** ifindex of the device it came in on. */
	readonly ingressDevice: number;
	/** ifindex of the device whose hook it is at; the ingress one if not given. */
	readonly device?: number;
	/** skb->protocol as a number, such as 0x0800; read from the frame if not given. */
	readonly protocol?: number;
	/** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3; 0 if not given. */
	readonly packetType?: number;
	readonly mark?: number;
	readonly priority?: number;
	readonly queue?: number;
	readonly hash?: number;
	/** The tag taken out of the frame. */
	readonly vlan?: { readonly protocol: number; readonly tci: number };
	/** Bytes of the frame that lie in the linear part; all if not given. */
	readonly linear?: number;
	/** Of a merged packet: bytes of payload a segment, segments, and SKB_GSO_* of linux/skbuff.h. */
	readonly gso?: { readonly size: number; readonly segments: number; readonly type: number };
	/** Five words. */
	readonly controlBlock?: readonly number[];
	readonly trafficClassIndex?: number;
	/** skb->ip_summed, CHECKSUM_*: `partial` is still to be filled in by a device; `none` if not given. */
	readonly checksum?: SkbChecksum;
}

export type SkbChecksum = 'none' | 'unnecessary' | 'complete' | 'partial';

export interface RunResult {
	/** XDP_* or TC_ACT_*, signed: TC_ACT_UNSPEC is -1. */
	readonly returnCode: number;
	/** The frame as the program left it. */
	readonly frame: Uint8Array;
	/** Where it goes, if the program redirected it. */
	readonly redirect?: BpfRedirect;
	/** TC: what of the skb the program may have changed. */
	readonly skb?: ChangedSkb;
	/** Records submitted to ring buffers, in order: copies. */
	readonly events: readonly Uint8Array[];
}

/** What a redirect names; the flags are the helper's, such as BPF_F_INGRESS 1. */
export type BpfRedirect =
	/** bpf_redirect, or bpf_redirect_map with a single device. */
	| { readonly kind: 'device'; readonly device: number; readonly flags: number }
	/** bpf_redirect_neigh: the kernel resolves the next hop, which is the FIB's where none is given. */
	| {
			readonly kind: 'neighbour';
			readonly device: number;
			readonly flags: number;
			readonly nextHop: NextHop | undefined;
	  }
	/** bpf_redirect_neigh to a next hop of no address family that there is: the kernel drops it. */
	| { readonly kind: 'unknown-family'; readonly device: number; readonly flags: number }
	/** bpf_redirect_peer: into the namespace of the device's peer. */
	| { readonly kind: 'peer'; readonly device: number; readonly flags: number }
	/** bpf_redirect_map with BPF_F_BROADCAST. */
	| { readonly kind: 'broadcast'; readonly devices: readonly number[]; readonly flags: number };

export interface ChangedSkb {
	readonly mark: number;
	readonly priority: number;
	readonly protocol: number;
	readonly packetType: number;
	readonly vlan: { readonly protocol: number; readonly tci: number } | undefined;
	readonly gso: { readonly size: number; readonly segments: number; readonly type: number } | undefined;
	readonly checksum: SkbChecksum;
	/** Offset of the network header in the frame. */
	readonly networkOffset: number;
	/** skb->encapsulation and what bpf_skb_adjust_room noted of it; undefined where it was not told. */
	readonly encapsulation: SkbEncapsulation | undefined;
}

/** Offsets in the frame as BPF_F_ADJ_ROOM_ENCAP_* set them. */
export interface SkbEncapsulation {
	readonly innerMacOffset: number;
	readonly innerNetworkOffset: number;
	readonly innerTransportOffset: number;
	readonly innerProtocol: number;
}
