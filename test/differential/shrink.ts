/** Makes plain data smaller while something about it holds: what is left is what matters. */

/** Something that JSON could hold, bytes beside. */
type Plain =
	| null
	| boolean
	| number
	| string
	| Uint8Array
	| readonly Plain[]
	| { readonly [key: string]: Plain };

type Holds<T> = (candidate: T) => Promise<boolean>;

interface ShrinkOptions<T> {
	/** Members that are never left out. */
	readonly required: ReadonlySet<string>;
	/** Smaller forms that leaving out one thing does not reach, tried first. */
	readonly also?: (value: T) => Iterable<T>;
	/** How often `holds` may be asked; 1000 if not given. */
	readonly limit?: number;
}

/**
 * The smallest form found of a value for which `holds` holds, by leaving out what can be: elements of lists,
 * members of objects, bytes at the end; numbers become 0.
 */
export async function shrink<T>(value: T, holds: Holds<T>, options: ShrinkOptions<T>): Promise<T> {
	const { required, also = () => [], limit = 1000 } = options;
	let best = value;
	let asked = 0;
	const better = async (): Promise<T | undefined> => {
		for (const candidates of [also(best), smaller(best as Plain, required) as Iterable<T>]) {
			for (const candidate of candidates) {
				if (++asked > limit) return undefined;
				if (await holds(candidate)) return candidate;
			}
		}
		return undefined;
	};
	for (let next = await better(); next !== undefined; next = await better()) best = next;
	return best;
}

/** Smaller forms of a value, the boldest first. */
function* smaller(value: Plain, required: ReadonlySet<string>): Generator<Plain> {
	if (value instanceof Uint8Array) yield* smallerBytes(value);
	else if (Array.isArray(value)) yield* smallerList(value as readonly Plain[], required);
	else if (typeof value === 'object' && value !== null)
		yield* smallerObject(value as { [key: string]: Plain }, required);
	else if (typeof value === 'number' && value !== 0) yield 0;
}

function* smallerList(list: readonly Plain[], required: ReadonlySet<string>): Generator<readonly Plain[]> {
	for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
		for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
	}
	for (const [index, element] of list.entries()) {
		for (const changed of smaller(element, required)) yield list.with(index, changed);
	}
}

function* smallerObject(
	object: { readonly [key: string]: Plain },
	required: ReadonlySet<string>,
): Generator<Plain> {
	const entries = Object.entries(object);
	const optional = entries.filter(([key]) => !required.has(key));
	for (let size = optional.length; size >= 1; size = Math.floor(size / 2)) {
		for (let at = 0; at < optional.length; at += size) {
			const left = new Set(optional.slice(at, at + size));
			yield Object.fromEntries(entries.filter((entry) => !left.has(entry)));
		}
	}
	for (const [key, member] of entries) {
		for (const changed of smaller(member, required)) yield { ...object, [key]: changed };
	}
}

/** Without the last half, quarter and so on. */
function* smallerBytes(bytes: Uint8Array): Generator<Uint8Array> {
	for (let size = bytes.length >> 1; size >= 1; size >>= 1) yield bytes.slice(0, bytes.length - size);
}
