/** `encap-forward down`: end the forwarder and remove everything of it. */
import { down as remove } from '../forwarder/remove.ts';
import { removedText } from '../forwarder/text.ts';
import type { Context } from './context.ts';

export interface DownFlags {
	readonly netns?: string;
	readonly json: boolean;
}

export function down(this: Context, { netns, json }: DownFlags): void {
	const removed = remove(netns);
	for (const note of removed.notes) this.output.message(note);
	if (json) this.output.json(removed);
	else this.output.lines(removedText(removed));
}
