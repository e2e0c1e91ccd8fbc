/** The word that was probably meant. */

/** Names that other tools give what a configuration calls otherwise. */
const otherNames: Readonly<Record<string, string>> = {
	tos: 'dscp, which is tos without its two ECN bits (tos / 4): those follow RFC 6040',
	tclass: 'dscp, which is tclass without its two ECN bits (tclass / 4): those follow RFC 6040',
	hoplimit: 'ttl',
	'hop-limit': 'ttl',
	remote: 'destination',
	dst: 'destination',
	src: 'source',
	local: 'source',
	dstport: 'port',
	id: 'vni',
	df: 'dontFragment',
	pmtudisc: 'dontFragment',
	nopmtudisc: 'dontFragment',
	type: 'encapsulation',
	mode: 'encapsulation',
	kind: 'encapsulation',
	dev: 'interfaces',
	devices: 'interfaces',
	prefix: 'match',
	ipip: 'ip',
	sit: 'ip',
	ip6tnl: 'ip',
	gretap: 'gre',
	ip6gre: 'gre',
	fou: 'gue',
	'<<': 'the members themselves: there are no merge keys',
};

/** Insertions, deletions, replacements and swaps of neighbours from one word to the other. */
function distance(from: string, to: string): number {
	const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, index) => index)];
	for (let i = 1; i <= from.length; i++) {
		const row = [i];
		for (let j = 1; j <= to.length; j++) {
			const replaced = (rows[i - 1]?.[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
			const swapped =
				from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : replaced;
			row.push(Math.min(replaced, swapped, (rows[i - 1]?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
		}
		rows.push(row);
	}
	return rows[from.length]?.[to.length] ?? 0;
}

/** The nearest of some words, if one is near. */
function nearest(word: string, words: readonly string[]): string | undefined {
	if (word.length > 40) return undefined;
	const lower = word.toLowerCase().replace(/[-_]/g, '');
	const ranked = words
		.map((each) => ({ each, far: distance(lower, each.toLowerCase()) }))
		.sort((a, b) => a.far - b.far);
	const [best] = ranked;
	return best !== undefined && best.far <= Math.max(1, best.each.length / 3) ? best.each : undefined;
}

/**
 * What to do about a word that is none of some: name the one that was meant, or all.
 * @param taken those of the words that are there already
 */
export function suggestion(
	word: string,
	words: readonly string[],
	taken: (word: string) => boolean = () => false,
): string {
	const near = nearest(word, words);
	if (near !== undefined)
		return taken(near) ? `${near} is given already, remove this` : `did you mean ${near}?`;
	const other = Object.hasOwn(otherNames, word) ? otherNames[word] : undefined;
	if (other !== undefined && (words.includes(other.split(',', 1)[0] ?? '') || word === '<<'))
		return `give ${other}`;
	const left = words.filter((each) => !taken(each));
	return left.length === 0 ? 'remove it' : `give ${left.length === 1 ? '' : 'one of '}${left.join(', ')}`;
}
