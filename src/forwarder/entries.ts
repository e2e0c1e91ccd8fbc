/** Hash maps of a running forwarder, brought from the entries they have to those they should have. */
import { deleteFromMap, lookupMap, mapInformation, mapKeys, possibleCpus, updateMap } from '../kernel/map.ts';

export interface Entry {
	readonly key: Uint8Array;
	/** Undefined: zero where it is new, and as it is where it is there already. */
	readonly value?: Uint8Array;
}

/** What changed, and how to take it back. */
export interface EntryUpdate {
	readonly changed: boolean;
	undo(): void;
}

const perCpuHash = 5;

/** New and other entries are written first, those that are to go are removed last. Fails as a whole. */
export function applyEntries(fd: number, wanted: readonly Entry[]): EntryUpdate {
	const { type, valueBytes } = mapInformation(fd);
	const size = type === perCpuHash ? Math.ceil(valueBytes / 8) * 8 * possibleCpus() : valueBytes;
	const readValue = (key: Uint8Array): Uint8Array => {
		const value = new Uint8Array(size);
		lookupMap(fd, key, value);
		return value;
	};
	const present = new Map([...mapKeys(fd)].map((key) => [nameOf(key), { key, value: readValue(key) }]));
	const steps: (() => void)[] = [];
	const undo = (): void => {
		for (const step of steps.reverse()) step();
	};
	try {
		for (const { key, value } of wanted) {
			const old = present.get(nameOf(key));
			present.delete(nameOf(key));
			if (old !== undefined && (value === undefined || Buffer.compare(old.value, value) === 0)) continue;
			updateMap(fd, key, value ?? new Uint8Array(size));
			steps.push(() => {
				if (old === undefined) deleteFromMap(fd, key);
				else updateMap(fd, key, old.value);
			});
		}
		for (const { key, value } of present.values()) {
			deleteFromMap(fd, key);
			steps.push(() => updateMap(fd, key, value));
		}
	} catch (error) {
		undo();
		throw error;
	}
	return { changed: steps.length > 0, undo };
}

function nameOf(key: Uint8Array): string {
	return Buffer.from(key).toString('latin1');
}
