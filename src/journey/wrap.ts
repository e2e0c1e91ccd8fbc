/** Text for people, folded to what a terminal shows. */

/** Columns that no line goes beyond. */
export const width = 100;

/** Break a text at spaces so that no line is too long; every line begins with the indent. */
export function wrap(text: string, indent = ''): string[] {
	const lines: string[] = [];
	let line = indent;
	for (const word of text.split(' ')) {
		if (line.length + word.length + 1 > width && line.trim() !== '') {
			lines.push(line);
			line = indent;
		}
		line += line.trim() === '' ? word : ` ${word}`;
	}
	return [...lines, line];
}
