/** Sysctls that might be set otherwise, on the device, on all or on the host as a whole. */
import type { Change } from './change.ts';
import type { Facts } from './facts.ts';
import type { State } from './state.ts';
import { deviceSysctl } from './sysctls.ts';

/** What could be tried with a setting: its values, how open each is, and what it does besides. */
interface Setting {
	readonly family: 'ipv4' | 'ipv6';
	readonly name: string;
	readonly values: readonly { readonly to: number; readonly openness: number; readonly effect: string }[];
}

const settings: readonly Setting[] = [
	{
		family: 'ipv4',
		name: 'src_valid_mark',
		values: [
			{ to: 1, openness: 0, effect: 'the way back is looked up with the mark that each packet has' },
			{ to: 0, openness: 0, effect: 'the way back is looked up without the mark that a packet has' },
		],
	},
	{
		family: 'ipv4',
		name: 'rp_filter',
		values: [
			{ to: 2, openness: 1, effect: 'a source is good if any route leads back to it' },
			{ to: 0, openness: 4, effect: 'no way back to the source is asked for, forged sources pass' },
		],
	},
	{
		family: 'ipv4',
		name: 'accept_local',
		values: [
			{ to: 1, openness: 3, effect: "packets with an address of this host's own as source are let in" },
		],
	},
	{
		family: 'ipv4',
		name: 'route_localnet',
		values: [{ to: 1, openness: 6, effect: 'loopback addresses (127.0.0.0/8) from outside are let in' }],
	},
	{
		family: 'ipv4',
		name: 'send_redirects',
		values: [{ to: 0, openness: 2, effect: 'no ICMP redirects are sent' }],
	},
	{
		family: 'ipv4',
		name: 'bc_forwarding',
		values: [{ to: 1, openness: 5, effect: 'packets to a subnet’s broadcast address are forwarded' }],
	},
	{
		family: 'ipv4',
		name: 'drop_unicast_in_l2_multicast',
		values: [{ to: 0, openness: 3, effect: 'IP packets in frames to a group address are taken' }],
	},
	{
		family: 'ipv4',
		name: 'ignore_routes_with_linkdown',
		values: [
			{ to: 1, openness: 1, effect: 'routes out of a device without carrier do not count' },
			{ to: 0, openness: 2, effect: 'routes out of a device without carrier count' },
		],
	},
	{
		family: 'ipv6',
		name: 'ignore_routes_with_linkdown',
		values: [
			{ to: 1, openness: 1, effect: 'routes out of a device without carrier do not count' },
			{ to: 0, openness: 2, effect: 'routes out of a device without carrier count' },
		],
	},
	{
		family: 'ipv6',
		name: 'force_forwarding',
		values: [{ to: 1, openness: 2, effect: 'packets are forwarded whatever all.forwarding says' }],
	},
	{
		family: 'ipv6',
		name: 'disable_ipv6',
		values: [{ to: 0, openness: 2, effect: 'IPv6 is on, and addresses that were there before are not' }],
	},
	{
		family: 'ipv6',
		name: 'drop_unicast_in_l2_multicast',
		values: [{ to: 0, openness: 3, effect: 'IP packets in frames to a group address are taken' }],
	},
];

/** Those whose value of `all` is written to every device (devinet.c, addrconf.c), not combined with the device's. */
const copied: ReadonlySet<string> = new Set([
	'ipv4.forwarding',
	'ipv6.forwarding',
	'ipv6.disable_ipv6',
	'ipv6.ignore_routes_with_linkdown',
]);

export function sysctlChanges(state: State, facts: Facts): Change[] {
	return [
		...settings
			.filter(({ family }) => facts.families.includes(family))
			.flatMap((setting) => {
				// A link without carrier is one at the way out, whatever else is one at the way in.
				const devices = setting.name === 'ignore_routes_with_linkdown' ? facts.egress : [facts.ingress];
				return [...devices, 'all'].flatMap((device) => settingChanges(state, setting, device));
			}),
		...forwardingChanges(state, facts),
	];
}

function settingChanges(state: State, { family, name, values }: Setting, device: string): Change[] {
	const full = deviceSysctl(family, device, name);
	const now = state.host.sysctls[full];
	// What the kernel does not have, or the snapshot does not show, cannot be set.
	if (now === undefined) return [];
	return values
		.filter(({ to }) => to !== now)
		.map(({ to, openness, effect }) => ({
			kind: device === 'all' ? 'host-sysctl' : 'device-sysctl',
			openness,
			text: `sysctl -w ${full}=${to}`,
			commands: [`sysctl -w ${full}=${to}`],
			affects:
				device === 'all'
					? `all.* changes every device${devicesChanged(state, family, name, to)}: ${effect}`
					: name === 'ignore_routes_with_linkdown'
						? `all routes out of ${device}: ${effect}`
						: `whatever comes in by ${device}: ${effect}`,
			subject: full,
			apply: (before: State) => withSysctl(before, family, device, name, to),
		}));
}

/** The devices for which the combined value becomes another, by name, where they are few. */
function devicesChanged({ host }: State, family: 'ipv4' | 'ipv6', name: string, to: number): string {
	const names = Object.keys(host.devices).filter((device) => {
		const own = host.sysctls[deviceSysctl(family, device, name)] ?? 0;
		const all = host.sysctls[deviceSysctl(family, 'all', name)] ?? 0;
		if (copied.has(`${family}.${name}`)) return own !== to;
		return Math.max(own, all) !== Math.max(own, to);
	});
	if (names.length === 0 || names.length > 6) return '';
	return ` (here ${names.join(', ')})`;
}

function withSysctl(state: State, family: 'ipv4' | 'ipv6', device: string, name: string, to: number): State {
	const { host } = state;
	const everywhere = device === 'all' && copied.has(`${family}.${name}`);
	const devices = everywhere ? ['all', 'default', ...Object.keys(host.devices)] : [device];
	const values = Object.fromEntries(devices.map((each) => [deviceSysctl(family, each, name), to]));
	return { ...state, host: { ...host, sysctls: { ...host.sysctls, ...values } } };
}

function forwardingChanges(state: State, { families, ingress }: Facts): Change[] {
	const changes: Change[] = [];
	const { sysctls } = state.host;
	const own = deviceSysctl('ipv4', ingress, 'forwarding');
	if (families.includes('ipv4') && sysctls[own] === 0) {
		changes.push({
			kind: 'device-sysctl',
			openness: 2,
			text: `sysctl -w ${own}=1`,
			commands: [`sysctl -w ${own}=1`],
			affects: `what comes in by ${ingress} is forwarded`,
			subject: own,
			apply: (before) => withSysctl(before, 'ipv4', ingress, 'forwarding', 1),
		});
		changes.push({
			kind: 'host-sysctl',
			openness: 2,
			text: 'sysctl -w net.ipv4.ip_forward=1',
			commands: ['sysctl -w net.ipv4.ip_forward=1'],
			affects: 'every device forwards, those whose own forwarding was switched off too: the host is a router',
			subject: 'net.ipv4.ip_forward',
			apply: (before) => {
				const after = withSysctl(before, 'ipv4', 'all', 'forwarding', 1);
				const values = { ...after.host.sysctls, 'net.ipv4.ip_forward': 1 };
				return { ...after, host: { ...after.host, sysctls: values } };
			},
		});
	}
	const all = deviceSysctl('ipv6', 'all', 'forwarding');
	if (families.includes('ipv6') && sysctls[all] === 0) {
		changes.push({
			kind: 'host-sysctl',
			openness: 2,
			text: `sysctl -w ${all}=1`,
			commands: [`sysctl -w ${all}=1`],
			affects:
				'every device forwards: the host is a router, and takes router advertisements only where accept_ra is 2',
			subject: all,
			apply: (before) => withSysctl(before, 'ipv6', 'all', 'forwarding', 1),
		});
	}
	return changes;
}
