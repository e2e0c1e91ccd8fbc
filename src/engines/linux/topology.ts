/** A scenario's hosts as commands: pure, from plain data to what iproute2 and sysctl are told. */
import { EncapForwardError } from '../../error.ts';
import type { Host, Scenario } from '../../scenario/scenario.ts';

/** What never changes while a scenario's hosts stand: two scenarios that agree on it can share them. */
export function ground(scenario: Scenario): string {
	return JSON.stringify([scenario.links, scenario.router.devices, scenario.host.devices]);
}

/** Set in both namespaces before any device is there: no packet of the kernel's own accord, no delay. */
export const quiet: Readonly<Record<string, number>> = {
	'net.ipv6.conf.default.accept_dad': 0,
	'net.ipv6.conf.default.router_solicitations': 0,
	'net.ipv6.conf.default.router_solicitation_delay': 0,
	'net.ipv6.conf.all.disable_ipv6': 0,
	'net.ipv6.conf.default.disable_ipv6': 0,
};

/**
 * Commands for `ip` in the router's namespace that make the links.
 * @param hostNamespace a path or name of the host's namespace
 */
export function linkCommands(scenario: Scenario, hostNamespace: string): string[] {
	return scenario.links.map(({ router, host }) => {
		const end = (side: Host, name: string): string => {
			const device = side.devices[name];
			if (device === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
			return `address ${device.mac} name ${name}`;
		};
		const near = end(scenario.router, router);
		const far = end(scenario.host, host);
		return `link add ${near} type veth peer ${far} netns ${hostNamespace}`;
	});
}

/** Commands for `ip` in a host's namespace that bring its devices up. */
export function upCommands(host: Host): string[] {
	return ['lo', ...Object.keys(host.devices)].map((name) => `link set ${name} up`);
}

/**
 * Commands for `ip` in a host's namespace that give its devices their addresses. The links are to be up
 * at both ends by then: an IPv6 address that waits for its link answers solicitations up to a second late.
 */
export function addressCommands(host: Host): string[] {
	return Object.entries(host.devices).flatMap(([name, { addresses }]) =>
		addresses.map((address) => `address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
	);
}

/** Commands for `ip` that leave a host with its scenario's neighbours and no others. */
export function neighbourCommands(host: Host): string[] {
	return [
		...Object.keys(host.devices).map((name) => `neigh flush dev ${name} nud all`),
		...host.neighbours.map(
			({ device, address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`,
		),
	];
}
