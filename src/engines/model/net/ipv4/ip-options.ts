/** IPv4 options: net/ipv4/ip_options.c, as far as they decide whether a packet goes on. */

const copied = 0x80;
const option = {
	end: 0,
	nop: 1,
	recordRoute: 7,
	timestamp: 68,
	looseRoute: copied | 3,
	strictRoute: copied | 9,
} as const;

/** Every option of a header with its offset in it. */
function* optionsOf(
	header: Uint8Array,
): Generator<{ readonly kind: number; readonly at: number; readonly length: number }> {
	const end = ((header[0] ?? 0) & 15) * 4;
	for (let at = 20; at < end; ) {
		const kind = header[at] ?? 0;
		if (kind === option.end) return;
		const length = kind === option.nop ? 1 : at + 1 < end ? (header[at + 1] ?? 0) : 0;
		yield { kind, at, length };
		if (kind !== option.nop && (length < 2 || at + length > end)) return;
		at += length;
	}
}

/** __ip_options_compile(): the offset of what is wrong, or undefined. */
export function ipOptionsCompile(header: Uint8Array): number | undefined {
	const end = ((header[0] ?? 0) & 15) * 4;
	const seen = new Set<number>();
	for (const { kind, at, length } of optionsOf(header)) {
		if (kind === option.nop) continue;
		if (length < 2 || at + length > end) return at;
		const once = kind === option.strictRoute ? option.looseRoute : kind;
		const isKnown = [option.recordRoute, option.timestamp, option.looseRoute].includes(once as never);
		if (!isKnown) continue;
		if (length < (kind === option.timestamp ? 4 : 3)) return at + 1;
		if ((header[at + 2] ?? 0) < (kind === option.timestamp ? 5 : 4)) return at + 2;
		if (seen.has(once)) return at;
		seen.add(once);
	}
	return undefined;
}

export function isSourceRouted(header: Uint8Array): boolean {
	for (const { kind } of optionsOf(header))
		if (kind === option.looseRoute || kind === option.strictRoute) return true;
	return false;
}
