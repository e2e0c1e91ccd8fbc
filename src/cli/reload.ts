/** `encap-forward reload`: another configuration for the forwarder that runs. */
import { reload as apply } from '../forwarder/apply.ts';
import type { Context } from './context.ts';
import { type ApplyFlags, applyFile } from './up.ts';

export function reload(this: Context, flags: ApplyFlags): void {
	applyFile(this, flags, apply);
}
