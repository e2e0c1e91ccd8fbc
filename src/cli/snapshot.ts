/** `encap-forward snapshot`: the state of a host as a file. */
import { takeSnapshot } from '../explain/take-snapshot.ts';
import type { Context } from './context.ts';
import { openFile } from './output-file.ts';

export interface SnapshotFlags {
	readonly netns?: string;
	readonly output?: string;
	readonly json: boolean;
}

export function snapshot(this: Context, { netns, output: path }: SnapshotFlags): void {
	const { output } = this;
	const file = path === undefined ? undefined : openFile(path);
	try {
		const text = JSON.stringify(takeSnapshot(netns), undefined, '\t');
		if (file === undefined) output.lines([text]);
		else file.write(new TextEncoder().encode(`${text}\n`));
	} finally {
		file?.close();
	}
}
