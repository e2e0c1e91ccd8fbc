/** Where an offset of a text is, as people count; and bytes as text. */

export interface Place {
	/** From 1. */
	readonly line: number;
	/** From 1, in UTF-16 code units. */
	readonly column: number;
}

/**
 * Finds places in a text by offsets in UTF-16 code units; one behind the end is the end. Lines end with LF or
 * CRLF, as in YAML 1.2.
 */
export function placesIn(text: string): (offset: number) => Place {
	let starts: number[] | undefined;
	return (offset) => {
		starts ??= lineStarts(text);
		const at = Math.min(offset, text.length);
		let [low, high] = [0, starts.length];
		while (high - low > 1) {
			const middle = (low + high) >> 1;
			if ((starts[middle] ?? 0) <= at) low = middle;
			else high = middle;
		}
		return { line: low + 1, column: at - (starts[low] ?? 0) + 1 };
	};
}

function lineStarts(text: string): number[] {
	const starts = [0];
	for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
	return starts;
}

/** Text of UTF-8, a byte order mark left out; or the place of the first byte that is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | Place {
	const text = new TextDecoder().decode(bytes);
	// What cannot be decoded becomes U+FFFD: the first such character whose own bytes are not there.
	const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
	const encoder = new TextEncoder();
	let [from, offset] = [0, mark];
	for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) {
		offset += encoder.encode(text.slice(from, at)).length;
		if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd)
			return placesIn(text)(at);
		[from, offset] = [at + 1, offset + 3];
	}
	return text;
}
