/** `encap-forward check`: what a configuration file says, or every mistake in it. */

import { configurationText, countTunnels } from '../configuration/summary.ts';
import { readConfigurationFile } from '../forwarder/configuration-file.ts';
import type { Context } from './context.ts';

export interface CheckFlags {
	readonly json: boolean;
}

export function check(this: Context, { json }: CheckFlags, file: string): void {
	const parsed = readConfigurationFile(file);
	const { configuration, tunnels } = parsed;
	if (json)
		this.output.json({ file, tunnels: { count: tunnels.count, kinds: countTunnels(parsed) }, configuration });
	else this.output.lines([`${file} is valid.`, ...configurationText(parsed)]);
}
