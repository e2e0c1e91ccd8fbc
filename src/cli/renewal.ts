/** Lines on a terminal that are shown anew in their own place. */

/** Erase from the cursor to the end of the screen. */
const eraseBelow = '\x1b[J';

const esc = '\x1b';

/** Colours and the like, which take no room. */
const escapes = new RegExp(`(${esc}\\[[0-9;]*m)`);

/** As much of a line as so many columns hold; what ends its colours is kept. */
export function cut(line: string, columns: number): string {
	let left = columns;
	return line
		.split(escapes)
		.map((part, index) => {
			if (index % 2 === 1) return part;
			const kept = [...part].slice(0, left);
			left -= kept.length;
			return kept.join('');
		})
		.join('');
}

/** As many lines as there is room for: the first, and always the last, which says how to end it. */
function shortened(lines: readonly string[], room: number): readonly string[] {
	return lines.length <= room ? lines : [...lines.slice(0, room - 1), ...lines.slice(-1)];
}

/** Each call replaces the lines of the one before. */
export function openRenewal(terminal: NodeJS.WriteStream): (lines: readonly string[]) => void {
	let shown = 0;
	return (lines) => {
		// A terminal of no size has not been told its size.
		const [rows, columns] = [terminal.rows || 24, terminal.columns || 80];
		// The line below the last is the cursor's.
		const fitting = shortened(lines, rows - 1).map((line) => `${cut(line, columns)}\n`);
		const back = shown === 0 ? '' : `\x1b[${shown}A`;
		terminal.write(`${back}\r${eraseBelow}${fitting.join('')}`);
		shown = fitting.length;
	};
}
