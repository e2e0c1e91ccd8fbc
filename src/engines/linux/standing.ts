/** One host as it stands in a network namespace, and what it was last set to. */
import { inNamespace, type Namespace } from '../../kernel/namespace.ts';
import { openLinkReports, openNetlink } from '../../kernel/netlink.ts';
import { hasSysctl, readSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import type { Host, Scenario } from '../../scenario/scenario.ts';
import {
	addressRequests,
	type DeviceNumbers,
	deviceNumbers,
	linkRequests,
	numberOf,
	upDevices,
	upRequests,
	virtualRequests,
} from './devices.ts';
import { forgetRequests, neighbourDump, neighbourRequests } from './neighbours.ts';
import { routeRequests, unrouteRequests } from './routes.ts';
import { everHadRules, kernelRules, ruleRequests, rulesOf, touchRules } from './rules.ts';
import { changedSettings, initial, optional, retransmission, type Setting } from './sysctls.ts';

export interface Namespaces {
	readonly router: Namespace;
	readonly host: Namespace;
}

export interface HostsOptions {
	/** How long the router waits before it asks a next hop again; it gives up after three times. */
	readonly retransmitMilliseconds?: number;
}

export interface Standing {
	readonly namespace: Namespace;
	/**
	 * Whether it can be set to this: not where the kernel remembers that there were rules or local routes,
	 * which it shows to nobody, and the host never had any.
	 */
	fits(host: Host): boolean;
	/**
	 * Set what can change while the devices stand: sysctls, routes, next-hop objects, rules, neighbours.
	 * @param pristine whether it has learnt of no neighbour since the last time
	 */
	set(host: Host, pristine: boolean): void;
	close(): void;
}

const esrch = 3;
const enoent = 2;

/** Make a scenario's links, devices and addresses in two new namespaces. */
export function buildHosts(
	scenario: Scenario,
	namespaces: Namespaces,
	options: HostsOptions = {},
): { readonly router: Standing; readonly host: Standing } {
	const numbers = {
		router: deviceNumbers(scenario.router, 'router'),
		host: deviceNumbers(scenario.host, 'host'),
	};
	const router = openNetlink(namespaces.router);
	const host = openNetlink(namespaces.host);
	try {
		for (const namespace of [namespaces.router, namespaces.host]) {
			write(namespace, initial);
			write(
				namespace,
				inNamespace(namespace, () => optional.filter(([name]) => hasSysctl(name))),
			);
		}
		const isUp = upDevices(scenario);
		router.ask(linkRequests(scenario, numbers, namespaces.host.fd));
		router.ask(virtualRequests(scenario.router, numbers.router));
		host.ask(virtualRequests(scenario.host, numbers.host));
		const { retransmitMilliseconds: time } = options;
		if (time !== undefined) {
			write(namespaces.router, retransmission(scenario.router.devices, time));
		}
		const reports = [openLinkReports(namespaces.router), openLinkReports(namespaces.host)] as const;
		try {
			host.ask(upRequests(scenario.host, numbers.host, isUp.host));
			router.ask(upRequests(scenario.router, numbers.router, isUp.router));
			const operating = scenario.links.filter((link) => isUp.router(link.router) && isUp.host(link.host));
			reports[0].untilOperating(operating.map((link) => numberOf(numbers.router, link.router)));
			reports[1].untilOperating(operating.map((link) => numberOf(numbers.host, link.host)));
		} finally {
			for (const each of reports) each.close();
		}
		host.ask(addressRequests(scenario.host, numbers.host));
		router.ask(addressRequests(scenario.router, numbers.router));
	} catch (error) {
		router.close();
		host.close();
		throw error;
	}
	return {
		router: stand(namespaces.router, router, numbers.router),
		host: stand(namespaces.host, host, numbers.host),
	};
}

function stand(
	namespace: Namespace,
	netlink: ReturnType<typeof openNetlink>,
	numbers: DeviceNumbers,
): Standing {
	/** Values of sysctls before any was written. */
	const base = new Map<string, number>();
	let before: Host | undefined;
	let hadRules = false;
	let hadLocalRoutes = false;

	const setSysctls = (next: Host): void => {
		const was = before?.sysctls ?? {};
		if (JSON.stringify(was) === JSON.stringify(next.sysctls)) return;
		inNamespace(namespace, () => {
			const unknown = Object.keys(next.sysctls).filter((name) => !base.has(name));
			// What is not known yet may have been copied to since: first back to how it was.
			if (unknown.length > 0) {
				for (const [name, value] of changedSettings(was, {}, base)) writeSysctl(name, value);
				for (const name of unknown) base.set(name, Number(readSysctl(name)));
			}
			const from = unknown.length > 0 ? {} : was;
			for (const [name, value] of changedSettings(from, next.sysctls, base)) writeSysctl(name, value);
		});
	};

	/** Gateways are looked up when routes are made, by the rules there are: meanwhile, the kernel's own. */
	const setRouting = (next: Host): void => {
		const was = before === undefined ? kernelRules(next) : rulesOf(before);
		const [routesWere, routes] = [before, next].map((host) =>
			JSON.stringify([host?.routes ?? [], host?.nextHopObjects ?? []]),
		);
		if (routes === routesWere) netlink.ask(ruleRequests(was, rulesOf(next)));
		else {
			netlink.ask(ruleRequests(was, kernelRules(next)));
			if (before !== undefined) netlink.ask(unrouteRequests(before, numbers), [esrch, enoent]);
			netlink.ask(routeRequests(next, numbers));
			netlink.ask(ruleRequests(kernelRules(next), rulesOf(next)));
		}
		if (everHadRules(next) && !hadRules) netlink.ask(touchRules);
		hadRules ||= everHadRules(next);
		hadLocalRoutes ||= hasLocalRoutes(next);
	};

	const setNeighbours = (next: Host, pristine: boolean): void => {
		const same = JSON.stringify(before?.neighbours) === JSON.stringify(next.neighbours);
		if (pristine && same) return;
		netlink.ask(forgetRequests(netlink.dump(neighbourDump)), [esrch, enoent]);
		netlink.ask(neighbourRequests(next, numbers));
	};

	return {
		namespace,
		fits: (next) => (!hadRules || everHadRules(next)) && (!hadLocalRoutes || hasLocalRoutes(next)),
		set: (next, pristine) => {
			setSysctls(next);
			setRouting(next);
			setNeighbours(next, pristine);
			before = next;
		},
		close: netlink.close,
	};
}

/** Whether the kernel is told of a local route, which it remembers as it does rules. */
function hasLocalRoutes({ routes = [] }: Host): boolean {
	return routes.some(({ family, type }) => family === 'ipv4' && type === 'local');
}

function write(namespace: Namespace, settings: readonly Setting[]): void {
	inNamespace(namespace, () => {
		for (const [name, value] of settings) writeSysctl(name, value);
	});
}
