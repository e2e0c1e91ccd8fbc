/** A scenario's devices as rtnetlink requests: links, VRFs, VLANs, what is up, addresses. Pure. */
import { EncapForwardError } from '../../error.ts';
import { attribute, nested, type Request, text, u16, u32 } from '../../kernel/netlink.ts';
import { parseIp, parseMac } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import type { Device, Host, Scenario } from '../../scenario/scenario.ts';

const newLink = 16; // RTM_NEWLINK
const newAddress = 20; // RTM_NEWADDR
const create = 0x600; // NLM_F_CREATE | NLM_F_EXCL
const up = 1; // IFF_UP

/** IFLA_… of <linux/if_link.h> */
const link = { address: 1, name: 3, mtu: 4, link: 5, master: 10, info: 18, namespaceFd: 28 } as const;
const info = { kind: 1, data: 2 } as const;
const vethPeer = 1;
const vrfTable = 1;
const vlanId = 1;

/** The kernel's numbers of addresses' families. */
export const familyNumber = { ipv4: 2, ipv6: 10 } as const;

const loopback = 'lo';

/** The numbers of a host's devices by their names. */
export type DeviceNumbers = ReadonlyMap<string, number>;

/**
 * The first number of a side's devices. Above those of devices that a kernel has in every namespace (tunl0,
 * sit0); and no device has its peer's number, for the kernel would put off bringing its queues into operation
 * up to a second (linkwatch_urgent_event).
 */
const firstNumber = { router: 100, host: 200 } as const;

/** We choose them when we make the devices. */
export function deviceNumbers(host: Host, side: keyof typeof firstNumber): DeviceNumbers {
	const names = [...Object.keys(host.devices), ...Object.keys(host.vrfs ?? {})];
	return new Map([[loopback, 1], ...names.map((name, index) => [name, firstNumber[side] + index] as const)]);
}

/** The number of one device. @throws EF_INPUT if the scenario has none of this name */
export function numberOf(numbers: DeviceNumbers, name: string): number {
	const number = numbers.get(name);
	if (number === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
	return number;
}

/** struct ifinfomsg and what follows it. */
function linkBody(index: number, flags: number, mask: number, attributes: readonly Uint8Array[]): Uint8Array {
	const header = new DataView(new ArrayBuffer(16));
	header.setInt32(4, index, true);
	header.setUint32(8, flags, true);
	header.setUint32(12, mask, true);
	return concatenate([new Uint8Array(header.buffer), ...attributes]);
}

function macOf(name: string, { mac }: Device): Uint8Array {
	const bytes = parseMac(mac);
	if (bytes === undefined) {
		throw new EncapForwardError(
			'EF_INPUT',
			`${name} has the Ethernet address "${mac}"; give aa:bb:cc:dd:ee:ff`,
		);
	}
	return bytes;
}

/** What a new device is given, whatever its kind. */
function identity(host: Host, numbers: DeviceNumbers, name: string): Uint8Array {
	const device = host.devices[name];
	if (device === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
	return linkBody(numberOf(numbers, name), 0, 0, [
		attribute(link.name, text(name)),
		attribute(link.address, macOf(name, device)),
		...(device.mtu === undefined ? [] : [attribute(link.mtu, u32(device.mtu))]),
	]);
}

function kind(name: string, data: readonly Uint8Array[]): Uint8Array {
	return nested(link.info, [attribute(info.kind, text(name)), nested(info.data, data)]);
}

/**
 * Make the links, from the router's namespace.
 * @param hostNamespace a file descriptor of the host's namespace
 */
export function linkRequests(
	{ links, router, host }: Scenario,
	numbers: { readonly router: DeviceNumbers; readonly host: DeviceNumbers },
	hostNamespace: number,
): Request[] {
	return links.map((ends) => {
		const peer = concatenate([
			identity(host, numbers.host, ends.host),
			attribute(link.namespaceFd, u32(hostNamespace)),
		]);
		return {
			type: newLink,
			flags: create,
			body: concatenate([
				identity(router, numbers.router, ends.router),
				kind('veth', [attribute(vethPeer, peer)]),
			]),
			what: `make the link ${ends.router} - ${ends.host}, of type veth`,
		};
	});
}

/** Make a host's VRF and VLAN devices, and put devices into their VRFs. */
export function virtualRequests(host: Host, numbers: DeviceNumbers): Request[] {
	const vrfs = Object.entries(host.vrfs ?? {}).map(([name, table]) => ({
		type: newLink,
		flags: create,
		body: linkBody(numberOf(numbers, name), up, up, [
			attribute(link.name, text(name)),
			kind('vrf', [attribute(vrfTable, u32(table))]),
		]),
		what: `make the device ${name}, of type vrf`,
	}));
	const vlans = Object.entries(host.devices).flatMap(([name, { vlan }]) =>
		vlan === undefined
			? []
			: {
					type: newLink,
					flags: create,
					body: concatenate([
						identity(host, numbers, name),
						attribute(link.link, u32(numberOf(numbers, vlan.device))),
						kind('vlan', [attribute(vlanId, u16(vlan.id))]),
					]),
					what: `make the device ${name}, of type vlan`,
				},
	);
	const members = Object.entries(host.devices).flatMap(([name, { vrf }]) =>
		vrf === undefined
			? []
			: {
					type: newLink,
					flags: 0,
					body: linkBody(numberOf(numbers, name), 0, 0, [
						attribute(link.master, u32(numberOf(numbers, vrf))),
					]),
					what: `put ${name} into the VRF ${vrf}`,
				},
	);
	return [...vrfs, ...vlans, ...members];
}

/**
 * Set a host's devices up, the loopback too.
 * @param isUp whether a device is to be; a link has a carrier when both its ends are
 */
export function upRequests(host: Host, numbers: DeviceNumbers, isUp: (name: string) => boolean): Request[] {
	return [loopback, ...Object.keys(host.devices)].filter(isUp).map((name) => ({
		type: newLink,
		flags: 0,
		body: linkBody(numberOf(numbers, name), up, up, []),
		what: `set ${name} up`,
	}));
}

/** Which of a scenario's devices are set up: of a link without a carrier, the host's end is not. */
export function upDevices({ links, router, host }: Scenario): {
	readonly router: (name: string) => boolean;
	readonly host: (name: string) => boolean;
} {
	return {
		router: (name) => router.devices[name]?.up !== false,
		host: (name) => {
			const near = links.find((each) => each.host === name)?.router ?? '';
			return host.devices[name]?.up !== false && router.devices[near]?.carrier !== false;
		},
	};
}

const local = { address: 1, local: 2, flags: 8 } as const; // IFA_…
const noDad = 2; // IFA_F_NODAD
const hostScope = 254; // RT_SCOPE_HOST

/**
 * Give a host's devices their addresses. The links are to be up at both ends by then: an IPv6 address that
 * waits for its link answers solicitations up to a second late.
 */
export function addressRequests(host: Host, numbers: DeviceNumbers): Request[] {
	return Object.entries(host.devices).flatMap(([name, { addresses }]) =>
		addresses.map((address) => {
			const [ip, length] = address.split('/');
			const parsed = parseIp(ip ?? '');
			if (parsed === undefined || length === undefined) {
				throw new EncapForwardError(
					'EF_INPUT',
					`${name} has the address "${address}"; give an address and the length of its prefix: 10.0.0.1/24`,
				);
			}
			const header = new DataView(new ArrayBuffer(8)); // struct ifaddrmsg
			header.setUint8(0, familyNumber[parsed.family]);
			header.setUint8(1, Number(length));
			header.setUint8(3, parsed.family === 'ipv4' && parsed.bytes[0] === 127 ? hostScope : 0);
			header.setUint32(4, numberOf(numbers, name), true);
			return {
				type: newAddress,
				flags: create,
				body: concatenate([
					new Uint8Array(header.buffer),
					attribute(local.local, parsed.bytes),
					attribute(local.address, parsed.bytes),
					...(parsed.family === 'ipv6' ? [attribute(local.flags, u32(noDad))] : []),
				]),
				what: `add the address ${address} to ${name}`,
			};
		}),
	);
}
