/** A completion for fish: one rule for each word, with the words before it as its condition. */
import type { CommandNode, Value } from './command-tree.ts';

function quoted(text: string): string {
	return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function action(value: Value): string {
	if (value === 'file') return '-r -F';
	if (value === 'namespace') return `-x -a '(ls /run/netns 2>/dev/null)'`;
	if (value === 'any') return '-x';
	return `-x -a ${quoted(value.join(' '))}`;
}

function rulesOf(node: CommandNode, words: readonly string[]): string[] {
	const condition = `-n ${quoted(`__encap_forward_at ${words.join(' ')}`.trim())}`;
	return [
		...node.commands.map(
			({ name, brief }) => `complete -c encap-forward -f ${condition} -a ${quoted(name)} -d ${quoted(brief)}`,
		),
		...node.flags.map(({ name, brief, value }) => {
			const rest = value === undefined ? '' : ` ${action(value)}`;
			return `complete -c encap-forward ${condition} -l ${quoted(name.slice(2))} -d ${quoted(brief)}${rest}`;
		}),
		...(node.positional === 'file' ? [`complete -c encap-forward ${condition} -F`] : []),
		...node.commands.flatMap((each) => rulesOf(each, [...words, each.name])),
	];
}

export function fishCompletion(tree: CommandNode): string {
	const paths = (node: CommandNode, words: readonly string[]): string[] =>
		node.commands.flatMap((each) => [[...words, each.name].join(' '), ...paths(each, [...words, each.name])]);
	return `# Completion of encap-forward for fish. Written by \`npm run completions\`: do not edit.
# Copy it to ~/.config/fish/completions or /usr/share/fish/vendor_completions.d.

# Whether the commands on the line so far are just these.
function __encap_forward_at
	set -l path
	for word in (commandline -opc)[2..-1]
		set -l next (string trim -- "$path $word")
		if contains -- "$next" ${paths(tree, []).map(quoted).join(' ')}
			set path $next
		end
	end
	test "$path" = "$argv"
end

complete -c encap-forward -f
${rulesOf(tree, []).join('\n')}
`;
}
