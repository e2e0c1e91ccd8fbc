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
	readonly mac: string;
	/** What it was made as, such as `veth` or `vlan`; undefined for a driver's own. */
	readonly kind?: string;
	/** IP addresses that others may be told: none of its link or its host alone. */
	readonly addresses: readonly string[];
}

interface IpLink {
	readonly ifindex: number;
	readonly ifname: string;
	readonly link_type: string;
	readonly address?: string;
	readonly linkinfo?: { readonly info_kind?: string };
	readonly addr_info?: readonly { readonly local?: string; readonly scope: string }[];
	readonly xdp?: { readonly prog?: { readonly id: number; readonly name?: string } };
}

export function allDevices(): readonly Device[] {
	return ipJson<IpLink[]>('-details', 'address', 'show').map((link) => ({
		index: link.ifindex,
		name: link.ifname,
		...(link.xdp?.prog === undefined ? {} : { xdp: link.xdp.prog }),
		ethernet: link.link_type === 'ether',
		mac: link.address ?? '',
		...(link.linkinfo?.info_kind === undefined ? {} : { kind: link.linkinfo.info_kind }),
		addresses: (link.addr_info ?? [])
			.filter(({ scope }) => scope === 'global' || scope === 'site')
			.flatMap(({ local }) => (local === undefined ? [] : [local])),
	}));
}

/** Those that a configuration names. @throws EF_CONFIGURATION for the first that is not there */
export function findDevices(
	all: readonly Device[],
	section: 'interfaces' | 'egress',
	names: readonly string[],
	namespace: string | undefined,
): readonly Device[] {
	return names.map((name) => {
		const device = all.find((each) => each.name === name);
		if (device === undefined) {
			throw new EncapForwardError(
				'EF_CONFIGURATION',
				`${section}: there is no device ${name}${inWords(namespace)}; "ip link" shows those there are`,
			);
		}
		if (section === 'interfaces' && !device.ethernet) {
			throw new EncapForwardError(
				'EF_CONFIGURATION',
				`interfaces: the frames of ${name} have no Ethernet header; name a device of Ethernet's kind`,
			);
		}
		return device;
	});
}
