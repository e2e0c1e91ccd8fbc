/** `encap-forward up`: start the forwarder, or bring a running one to a configuration and this version. */
import { type Applied, type ApplyOptions, up as start } from '../forwarder/apply.ts';
import { readConfigurationFile } from '../forwarder/configuration-file.ts';
import { appliedText } from '../forwarder/text.ts';
import type { Context } from './context.ts';

export interface ApplyFlags {
	readonly config: string;
	readonly netns?: string;
	readonly json: boolean;
}

export function up(this: Context, flags: ApplyFlags): void {
	applyFile(this, flags, start);
}

/** Read the configuration whole before anything is touched, apply it, and say what was done. */
export function applyFile(
	{ output }: Context,
	{ config, netns, json }: ApplyFlags,
	apply: (parsed: ReturnType<typeof readConfigurationFile>, options: ApplyOptions) => Applied,
): void {
	const applied = apply(readConfigurationFile(config), netns === undefined ? {} : { netns });
	for (const note of applied.notes) output.message(note);
	if (json) output.json(applied);
	else output.lines(appliedText(applied));
}
