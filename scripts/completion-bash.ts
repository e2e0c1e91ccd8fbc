/** A completion for bash, without the package bash-completion. */
import type { CommandNode, Value } from './command-tree.ts';

/** Every command with the words that lead to it. */
function paths(node: CommandNode, words: readonly string[] = []): [string, CommandNode][] {
	return [[words.join(' '), node], ...node.commands.flatMap((each) => paths(each, [...words, each.name]))];
}

function reply(value: Value): string {
	if (value === 'file') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))';
	if (value === 'namespace') return 'COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word"))';
	if (value === 'any') return 'COMPREPLY=()';
	return `COMPREPLY=($(compgen -W '${value.join(' ')}' -- "$word"))`;
}

export function bashCompletion(tree: CommandNode): string {
	const all = paths(tree);
	// Of two that begin alike the longer first.
	const cases = all.toReversed().flatMap(([path, { flags, positional, commands }]) => {
		const words = [...commands.map(({ name }) => name), ...flags.map(({ name }) => name)].join(' ');
		const lines = flags.flatMap(({ name, value }) =>
			value === undefined ? [] : [`\t'${path} ${name}') ${reply(value)}; return ;;`],
		);
		const any = `COMPREPLY=($(compgen -W '${words}' -- "$word"))`;
		const rest =
			positional === undefined
				? `\t'${path} '*) ${any} ;;`
				: `\t'${path} '*) if [[ $word == -* ]]; then ${any}; else ${reply(positional)}; fi ;;`;
		return [...lines, rest];
	});
	return `# Completion of encap-forward for bash. Written by \`npm run completions\`: do not edit.
# Source it, or copy it to /usr/share/bash-completion/completions/encap-forward.

_encap_forward_namespaces() {
	local name
	for name in /run/netns/*; do [[ -e $name ]] && printf '%s\\n' "\${name##*/}"; done
}

_encap_forward() {
	local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} path='' at
	for ((at = 1; at < COMP_CWORD; at++)); do
		case "$path \${COMP_WORDS[at]}" in
${all
	.slice(1)
	.map(([path]) => {
		const words = path.split(' ');
		return `\t\t'${words.slice(0, -1).join(' ')} ${words.at(-1)}') path='${path}' ;;`;
	})
	.join('\n')}
		esac
	done
	COMPREPLY=()
	case "$path $before" in
${cases.join('\n')}
	esac
}

complete -F _encap_forward encap-forward
`;
}
