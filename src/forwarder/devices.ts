/** The devices of the network namespace this thread is in: call inside `inNamespace`. */
import { EncapForwardError } from '../error.ts';
import { ipJson } from '../kernel/ip.ts';
import { inWords } from './place.ts';

export interface Device {
	readonly index: number;
	readonly name: string;
	/** The XDP program that is attached, as the kernel names it. */
	readonly xdp?: { readonly id: number; readonly name?: string };
	readonly ethernet: boolean;
}

interface IpLink {
	readonly ifindex: number;
	readonly ifname: string;
	readonly link_type: string;
	readonly xdp?: { readonly prog?: { readonly id: number; readonly name?: string } };
}

export function allDevices(): readonly Device[] {
	return ipJson<IpLink[]>('-details', 'link', 'show').map(({ ifindex, ifname, link_type, xdp }) => ({
		index: ifindex,
		name: ifname,
		...(xdp?.prog === undefined ? {} : { xdp: xdp.prog }),
		ethernet: link_type === 'ether',
	}));
}

/** Those that a configuration names. @throws EF_CONFIGURATION for the first that is not there */
export function findDevices(names: readonly string[], namespace: string | undefined): readonly Device[] {
	const all = allDevices();
	return names.map((name) => {
		const device = all.find((each) => each.name === name);
		if (device === undefined) {
			throw new EncapForwardError(
				'EF_CONFIGURATION',
				`interfaces: there is no device ${name}${inWords(namespace)}; "ip link" shows those there are`,
			);
		}
		if (!device.ethernet) {
			throw new EncapForwardError(
				'EF_CONFIGURATION',
				`interfaces: the frames of ${name} have no Ethernet header; name a device of Ethernet's kind`,
			);
		}
		return device;
	});
}
