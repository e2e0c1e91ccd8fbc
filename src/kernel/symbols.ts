/** Which kernel function an address lies in. */
import { readFileSync } from 'node:fs';

const newline = 0x0a;
const textTypes = Buffer.from('tTwW');

/**
 * Reads /proc/kallsyms once. The answer is a function's plain name, without the suffix a compiler adds
 * to a clone of it (`.constprop.0`, `.isra.0`, `.part.0`), or undefined where the kernel hides addresses
 * (kernel.kptr_restrict=2).
 */
export function readSymbols(): (address: bigint) => string | undefined {
	const text = readFileSync('/proc/kallsyms');
	const known = new Map<bigint, string | undefined>();
	return (address) => {
		if (!known.has(address)) known.set(address, find(text, address));
		return known.get(address);
	};
}

/**
 * The last function at or before the address. Lines are "ffffffff81000000 T _stext": 16 hexadecimal
 * digits, a type, a name; in no order. A few addresses are asked for and there are more than a hundred
 * thousand lines, so a pass over them is cheaper than sorting them.
 */
function find(text: Buffer, address: bigint): string | undefined {
	const wanted = Buffer.from(address.toString(16).padStart(16, '0'), 'latin1');
	let best = -1;
	for (let line = 0; line < text.length; ) {
		if (
			textTypes.includes(text[line + 17] ?? 0) &&
			wanted.compare(text, line, line + 16) >= 0 &&
			(best < 0 || text.compare(text, best, best + 16, line, line + 16) >= 0)
		) {
			best = line;
		}
		const end = text.indexOf(newline, line);
		line = end < 0 ? text.length : end + 1;
	}
	if (best < 0 || text.toString('latin1', best, best + 16) === '0'.repeat(16)) return undefined;
	const name = /^[^\s.]+/.exec(text.toString('latin1', best + 19, text.indexOf(newline, best)));
	return name?.[0];
}
