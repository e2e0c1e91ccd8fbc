/** An initial file system as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst). */

export interface CpioEntry {
	readonly path: string;
	/** Of a file; a folder has none. */
	readonly bytes?: Uint8Array;
}

const folder = 0o040755;
const program = 0o100755;

function entryOf({ path, bytes }: CpioEntry, inode: number): readonly Uint8Array[] {
	const name = Buffer.from(`${path}\0`);
	const size = bytes?.length ?? 0;
	const fields = [
		inode,
		path === 'TRAILER!!!' ? 0 : bytes === undefined ? folder : program,
		...[0, 0], // owner, group
		1, // links
		0, // time
		size,
		...[0, 0, 0, 0], // device of the file, and that it is
		name.length,
		0, // checksum, which this format has not
	];
	const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
	const padding = (length: number): Uint8Array => new Uint8Array(-length & 3);
	return [header, name, padding(header.length + name.length), bytes ?? new Uint8Array(), padding(size)];
}

/** Everything belongs to root, and may be run. Folders come before what is in them. */
export function cpio(entries: readonly CpioEntry[]): Uint8Array {
	return Buffer.concat(
		[...entries, { path: 'TRAILER!!!' }].flatMap((entry, index) => entryOf(entry, index + 1)),
	);
}
