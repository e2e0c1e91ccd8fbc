/** `encap-forward lab down`: remove the network that `lab up` made. */
import { tearDown } from '../lab/environment.ts';
import type { Context } from './context.ts';

export interface LabDownFlags {
	readonly name: string;
	readonly json: boolean;
}

export function labDown(this: Context, { name, json }: LabDownFlags): void {
	const removed = tearDown(name);
	if (json) this.output.json({ name, removed });
	else
		this.output.lines([
			removed ? `The lab ${name} is removed.` : `There was no lab ${name}: nothing to remove.`,
		]);
}
