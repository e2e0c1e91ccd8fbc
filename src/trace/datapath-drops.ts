/** What our own datapath dropped at XDP, which no tracepoint shows: from its counters. */
import { basename } from 'node:path';
import { EncapForwardError } from '../error.ts';
import { requireBpffs } from '../forwarder/bpffs.ts';
import { pinFolders } from '../forwarder/pins.ts';
import { openStatus } from '../forwarder/status.ts';
import { causeOfOutcome, type DatapathOutcome } from '../journey/cause.ts';
import type { TracedDrop } from './drop.ts';
import type { NamedNamespace } from './namespaces.ts';

export interface DatapathDrops {
	/** What has been dropped since the last call. */
	take(): readonly { readonly drop: TracedDrop; readonly packets: number }[];
}

/**
 * Follow the forwarders that are up. What the datapath drops at TC is among the kernel's own drops, as
 * TC_INGRESS.
 * @param namespaces by inode number
 */
export function followDatapaths(namespaces: ReadonlyMap<number, NamedNamespace>): DatapathDrops {
	const own = forwarders(namespaces);
	const before = new Map<string, number>();
	const read = (): { drop: TracedDrop; packets: number }[] =>
		own.flatMap(({ name, netns }) =>
			dropped(netns).map(({ outcome, total }) => {
				const key = `${name} ${outcome}`;
				const packets = total - (before.get(key) ?? 0);
				before.set(key, total);
				return { drop: dropOf(name, outcome), packets: Math.max(0, packets) };
			}),
		);
	read();
	return { take: () => read().filter(({ packets }) => packets > 0) };
}

interface Forwarder {
	/** Of its namespace, as we show it. */
	readonly name: string;
	/** The same as `status --netns` takes it. */
	readonly netns: string | undefined;
}

function forwarders(namespaces: ReadonlyMap<number, NamedNamespace>): Forwarder[] {
	let folders: string[];
	try {
		folders = pinFolders(requireBpffs());
	} catch (error) {
		// Without a BPF file system there is no forwarder.
		if (error instanceof EncapForwardError) return [];
		throw error;
	}
	return folders.flatMap((folder) => {
		const found = namespaces.get(Number(basename(folder)));
		if (found === undefined) return [];
		const named = found.path?.startsWith('/run/netns/') ?? false;
		return named || found.name === 'host'
			? [{ name: found.name, netns: named ? found.name : undefined }]
			: [];
	});
}

function dropped(netns: string | undefined): { outcome: DatapathOutcome; total: number }[] {
	let status: ReturnType<typeof openStatus>;
	try {
		status = openStatus(netns);
	} catch {
		return []; // it is down
	}
	try {
		return status
			.totals()
			.filter(({ hook, outcome }) => hook === 'xdp' && causeOfOutcome(outcome) !== 'unknown')
			.map(({ outcome, packets }) => ({ outcome, total: Number(packets) }));
	} finally {
		status.close();
	}
}

function dropOf(namespace: string, outcome: DatapathOutcome): TracedDrop {
	const cause = causeOfOutcome(outcome);
	return { by: 'datapath', reason: outcome, cause, where: 'xdp', namespace, device: '', tooMany: false };
}
