/** What the datapath is told of the devices of a namespace: bpf/device.h. */
import { type DatapathDevice, otherDevices } from '../datapath/device-map.ts';
import { parseIp, parseMac } from '../packet/address.ts';
import type { Device } from './devices.ts';

/** A map of devices holds as many: those that matter more come first. */
const most = 4096;

/** Kinds whose frames may come from a sender on this host that leaves the checksum to the device. */
const localKinds: readonly string[] = ['veth', 'tun', 'netkit'];

/**
 * @param targets the devices that XDP can redirect into; undefined where the kernel does not tell: then XDP
 * leaves every packet to TC
 * @param egress names of the devices that packets may leave by; every device if not given
 */
export function datapathDevices(
	devices: readonly Device[],
	targets: ReadonlySet<number> | undefined,
	interfaces: readonly string[],
	egress: readonly string[] | undefined,
): readonly DatapathDevice[] {
	const allowed = (name: string): boolean => egress?.includes(name) ?? true;
	const facts = devices.map(({ index, name, mac, ethernet, kind, addresses }) => {
		const address = ethernet ? parseMac(mac) : undefined;
		const ipv4 = addresses.map(parseIp).find((ip) => ip?.family === 'ipv4')?.bytes;
		const ipv6 = addresses.map(parseIp).find((ip) => ip?.family === 'ipv6')?.bytes;
		const xdp = targets?.has(index) === true;
		return {
			rank: Number(interfaces.includes(name)) * 4 + Number(xdp) * 2 + Number(egress?.includes(name) === true),
			device: {
				index,
				...(address === undefined ? {} : { address }),
				xdp,
				egress: allowed(name),
				unfinished: kind !== undefined && localKinds.includes(kind),
				...(ipv4 === undefined ? {} : { ipv4 }),
				...(ipv6 === undefined ? {} : { ipv6 }),
			},
		};
	});
	const ranked = facts.sort((a, b) => b.rank - a.rank).map(({ device }) => device);
	return [{ index: otherDevices, xdp: false, egress: egress === undefined }, ...ranked.slice(0, most - 1)];
}
