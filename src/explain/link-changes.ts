/** Devices, addresses and neighbours that might be otherwise, here or at the far end of a link. */
import { formatIp, maskBytes, parseIp } from '../packet/address.ts';
import type { Device, Route } from '../scenario/scenario.ts';
import { type Change, ipCommand } from './change.ts';
import type { Facts } from './facts.ts';
import { type Neighbourhood, neighbourKnowledge, type State } from './state.ts';
import { deviceSysctl } from './sysctls.ts';

export function linkChanges(state: State, facts: Facts): Change[] {
	const devices = [...new Set([facts.ingress, ...facts.egress])];
	return [
		...devices.flatMap((name) => upChange(state, name)),
		...facts.egress.flatMap((name) => carrierChange(state, name)),
		...facts.egress.flatMap((name) => mtuChange(state, name, facts.length)),
		...addressChange(state, facts),
		...facts.nextHops.flatMap((nextHop) => neighbourChanges(state, nextHop)),
	];
}

function upChange({ host }: State, name: string): Change[] {
	if (host.devices[name]?.up !== false) return [];
	return [
		{
			kind: 'link',
			openness: 0,
			...ipCommand(`link set ${name} up`),
			affects: `${name} carries whatever else goes there; routes that went with it when it was set down do not come back, but those of its addresses`,
			subject: `up ${name}`,
			apply: (before) => withAddressRoutes(withDevice(before, name, { up: true, carrier: true }), name),
		},
	];
}

function carrierChange({ host }: State, name: string): Change[] {
	const device = host.devices[name];
	if (device === undefined || device.up === false || device.carrier !== false) return [];
	return [
		{
			kind: 'far-end',
			openness: 0,
			text: `bring up the link of ${name}: its cable, or the device at its far end`,
			commands: [],
			affects: `${name} carries whatever else goes there`,
			subject: `carrier ${name}`,
			apply: (before) => withDevice(before, name, { carrier: true }),
		},
	];
}

const largestMtu = 65535;

function mtuChange({ host }: State, name: string, length: number): Change[] {
	const { mtu = 1500 } = host.devices[name] ?? {};
	if (mtu >= length || length > largestMtu) return [];
	return [
		{
			kind: 'link',
			openness: 2,
			...ipCommand(`link set ${name} mtu ${length}`),
			affects: `every packet of up to ${length} bytes leaves by ${name} whole, and what is behind it has to carry them`,
			subject: `mtu ${name}`,
			apply: (before) => withMtu(before, name, length),
		},
	];
}

/** Any address serves a device that has none: one of the link-local block is nobody else's. */
const someAddress = '169.254.1.1';

function addressChange({ host }: State, { ingress, families }: Facts): Change[] {
	const device = host.devices[ingress];
	const numbered = device?.addresses.some((address) => !address.includes(':'));
	if (device === undefined || numbered || !families.includes('ipv4')) return [];
	return [
		{
			kind: 'address',
			openness: 0,
			text: `ip address add ${someAddress}/32 dev ${ingress} (any IPv4 address will do)`,
			commands: [`ip address add ${someAddress}/32 dev ${ingress}`],
			affects: `${ingress} is no longer unnumbered: rp_filter=2 then asks for any way back, not for one by ${ingress}; the host may use the address as its source`,
			subject: `address ${ingress}`,
			apply: (before) => {
				const after = withDevice(before, ingress, {
					addresses: [...device.addresses, `${someAddress}/32`],
				});
				return withAddressRoutes(after, ingress);
			},
		},
	];
}

/** An Ethernet address to try with, where the real one is not known. */
const someMac = '02:00:00:00:00:fe';

function neighbourChanges(state: State, nextHop: Neighbourhood): Change[] {
	const { device, address } = nextHop;
	if (neighbourKnowledge(state.host, nextHop) === 'valid' || state.host.devices[device] === undefined)
		return [];
	const protocol = address.includes(':') ? 'neighbour solicitations' : 'ARP';
	return [
		{
			kind: 'neighbour',
			openness: 0,
			...ipCommand(`neighbour replace ${address} lladdr MAC dev ${device}`),
			text: `ip neighbour replace ${address} lladdr MAC dev ${device}, with the Ethernet address of ${address} for MAC`,
			affects: `what goes to ${address} is sent there whether anybody is there or not`,
			subject: `neighbour ${device} ${address}`,
			apply: (before) => {
				const others = before.host.neighbours.filter(
					(each) => !(each.device === device && each.address === address),
				);
				const neighbours = [...others, { device, address, mac: someMac }];
				return { ...before, host: { ...before.host, neighbours } };
			},
		},
		{
			kind: 'far-end',
			openness: 1,
			text: `have ${address} answer ${protocol} on the link of ${device}: it is down, has another address, or is elsewhere`,
			commands: [],
			affects: 'nothing else on this host',
			subject: `answer ${device} ${address}`,
			apply: (before) => ({ ...before, answering: [...before.answering, nextHop] }),
		},
	];
}

/** IPv6 has an MTU of its own, which follows the device's (addrconf_notify). */
function withMtu(state: State, name: string, mtu: number): State {
	const after = withDevice(state, name, { mtu });
	const sysctls = { ...after.host.sysctls, [deviceSysctl('ipv6', name, 'mtu')]: mtu };
	return { ...after, host: { ...after.host, sysctls } };
}

function withDevice(state: State, name: string, change: Partial<Device>): State {
	const device = state.host.devices[name];
	if (device === undefined) return state;
	const devices = { ...state.host.devices, [name]: { ...device, ...change } };
	return { ...state, host: { ...state.host, devices } };
}

/** The routes that the kernel makes of a device's IPv4 addresses, where they are not there (fib_add_ifaddr). */
function withAddressRoutes(state: State, name: string): State {
	const { host } = state;
	const device = host.devices[name];
	const table = host.vrfs?.[device?.vrf ?? ''];
	const made = (device?.addresses ?? []).flatMap((text): Route[] => {
		const [address = '', length = ''] = text.split('/');
		const family = address.includes(':') ? 'ipv6' : 'ipv4';
		const longest = family === 'ipv4' ? '32' : '128';
		const common = { family, kernel: true, nextHops: [{ device: name }] } as const;
		const own: Route = {
			...common,
			destination: `${address}/${longest}`,
			type: 'local',
			table: table ?? 255,
		};
		const link: Route = { ...common, destination: networkOf(address, Number(length)), table: table ?? 254 };
		return length === longest ? [own] : [own, link];
	});
	const there = new Set((host.routes ?? []).map(keyOf));
	const routes = [...(host.routes ?? []), ...made.filter((route) => !there.has(keyOf(route)))];
	return { ...state, host: { ...host, routes } };
}

function networkOf(address: string, length: number): string {
	return `${formatIp(maskBytes(parseIp(address)?.bytes ?? new Uint8Array(), length))}/${length}`;
}

function keyOf({ destination, table, type }: Route): string {
	return `${destination} ${table ?? 254} ${type ?? 'unicast'}`;
}
