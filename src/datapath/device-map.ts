/** What user space tells the datapath of a device: an entry of the map `devices`, bpf/device.h. */
import { deviceFlags, deviceLayout } from './layout.ts';

export interface DatapathDevice {
	/** ifindex, or `otherDevices`. */
	readonly index: number;
	/** Its own Ethernet address, 6 bytes; none if it has none. */
	readonly address?: Uint8Array;
	/** Whether XDP may redirect into it: its driver takes such frames and sends them (ndo_xdp_xmit). */
	readonly xdp: boolean;
	/** Whether packets may leave by it. */
	readonly egress: boolean;
	/** Whether what comes in may be from a sender on this host that left checksums to the device, as on a veth. */
	readonly unfinished?: boolean;
	/** Source of ICMP answers where the FIB names none (before Linux 6.7), 4 bytes. */
	readonly ipv4?: Uint8Array;
	/** The same of ICMPv6, 16 bytes; not a link-local address. */
	readonly ipv6?: Uint8Array;
}

/** Index of the entry that holds for every device that has none of its own. */
export const otherDevices = 0;

export function deviceEntry(device: DatapathDevice): {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
} {
	const key = new Uint8Array(new Uint32Array([device.index]).buffer);
	const value = new Uint8Array(deviceLayout.size);
	value.set(device.address ?? [], deviceLayout.address.offset);
	value[deviceLayout.flags.offset] =
		(device.xdp ? deviceFlags.xdp : 0) |
		(device.egress ? deviceFlags.egress : 0) |
		(device.unfinished ? deviceFlags.unfinished : 0);
	value.set(device.ipv4 ?? [], deviceLayout.ipv4.offset);
	value.set(device.ipv6 ?? [], deviceLayout.ipv6.offset);
	return { key, value };
}
