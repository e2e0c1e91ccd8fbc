/** `encap-forward lab up`: set the example's network up to explore by hand. */
import { defaultName, setUp } from '../lab/environment.ts';
import { cellTitle } from '../lab/title.ts';
import { pinged } from '../scenario/example.ts';
import { type CellFlags, cellOf } from './cell-flags.ts';
import type { Context } from './context.ts';

export interface LabUpFlags extends CellFlags {
	readonly name: string;
	readonly json: boolean;
}

export function labUp(this: Context, flags: LabUpFlags): void {
	const environment = setUp(flags.name, cellOf(flags));
	const { name, cell, router, host } = environment;
	if (flags.json) {
		this.output.json(environment);
		return;
	}
	const option = name === defaultName ? '' : ` --name ${name}`;
	this.output.lines([
		`The lab ${name} is up: ${cellTitle(cell)}.`,
		'',
		`  ${host}    host0 10.11.1.1 fc00:dead:cafe:1::1, host1 10.11.2.1 fc00:dead:cafe:2::1`,
		`  ${router}  veth0 10.11.1.2 fc00:dead:cafe:1::2, veth1 10.11.2.2 fc00:dead:cafe:2::2`,
		'',
		'host0 - veth0 and veth1 - host1 are linked; the datapath is on veth0. Try:',
		`  encap-forward lab ping${option}                  each packet’s journey as it happens`,
		`  ip netns exec ${host} ping ${pinged[cell.inner]}`,
		`  ip netns exec ${host} tcpdump -eni host1`,
		`  ip netns exec ${router} sysctl -w net.ipv4.conf.veth0.accept_local=1`,
		`  encap-forward lab down${option}                  remove it all`,
	]);
}
