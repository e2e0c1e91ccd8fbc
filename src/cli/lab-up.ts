/** `encap-forward lab up`: set the example's network up to explore by hand. */
import { defaultName, setUp, tearDown } from '../lab/environment.ts';
import { cellTitle } from '../lab/title.ts';
import { acceptLocalSysctl, pinged } from '../scenario/example.ts';
import type { Host } from '../scenario/scenario.ts';
import { type CellFlags, cellOf } from './cell-flags.ts';
import type { Context } from './context.ts';

export interface LabUpFlags extends CellFlags {
	readonly name: string;
	readonly json: boolean;
}

export async function labUp(this: Context, flags: LabUpFlags): Promise<void> {
	const { name, cell, scenario, router, host } = setUp(flags.name, cellOf(flags));
	// Setting up is synchronous: a signal meanwhile is heard when the event loop turns.
	await new Promise((resolve) => setImmediate(resolve));
	if (this.signal.aborted) tearDown(name);
	this.signal.throwIfAborted();
	if (flags.json) {
		this.output.json({ name, cell, router, host });
		return;
	}
	const option = name === defaultName ? '' : ` --name ${name}`;
	const cables = scenario.links.map((link) => `${link.host} - ${link.router}`).join(' and ');
	this.output.lines([
		`The lab ${name} is up: ${cellTitle(cell)}.`,
		'',
		...deviceLines(host, scenario.host),
		...deviceLines(router, scenario.router),
		`  Linked: ${cables}. The datapath is on ${scenario.datapath?.device}.`,
		'',
		'Try:',
		`  npx encap-forward lab ping${option}`,
		`  ip netns exec ${host} ping ${pinged[cell.inner]}`,
		`  ip netns exec ${host} tcpdump -eni host1`,
		`  ip netns exec ${router} sysctl -w ${acceptLocalSysctl}=${1 - cell.acceptLocal}`,
		`  npx encap-forward lab down${option}`,
	]);
}

function deviceLines(namespace: string, { devices }: Host): string[] {
	return Object.entries(devices).map(
		([name, { mac, addresses }]) => `  ${namespace.padEnd(22)} ${name}  ${mac}  ${addresses.join('  ')}`,
	);
}
