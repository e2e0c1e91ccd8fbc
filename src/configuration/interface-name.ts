/** Which names a network device can have: the kernel's dev_valid_name(). */

/** IFNAMSIZ without the zero at its end. */
const longest = 15;

/** What the kernel's isspace() takes for white space, U+00A0 as a byte of UTF-8 among it; and what C cannot hold. */
function isRefusedByte(byte: number): boolean {
	return byte === 0 || (byte >= 9 && byte <= 13) || byte === 32 || byte === 0xa0;
}

/** Undefined when Linux takes the name. */
export function interfaceNameProblem(name: string): string | undefined {
	const bytes = new TextEncoder().encode(name);
	if (name === '') return 'is empty; give the name of a device';
	if (bytes.length > longest)
		return `has ${bytes.length} bytes, and a device's name at most ${longest}; give its name in the kernel`;
	if (name === '.' || name === '..') return 'is no name of a device; give one that ip link shows';
	const wrong = /[/:]/.exec(name)?.[0];
	if (wrong !== undefined) return `has a ${wrong}, which no device's name has; give one that ip link shows`;
	if (bytes.some(isRefusedByte)) return "has white space, which no device's name has; remove it";
	return undefined;
}
