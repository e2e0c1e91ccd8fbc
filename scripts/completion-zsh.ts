/** A completion for zsh: a function for each command. */
import type { CommandNode, Value } from './command-tree.ts';

/** Text within single quotes that _arguments and _describe read: colons and brackets are theirs. */
function quoted(text: string): string {
	return text.replaceAll("'", "'\\''").replace(/[[\]:]/g, (character) => `\\${character}`);
}

function action(value: Value): string {
	if (value === 'file') return ':file:_files';
	if (value === 'namespace') return ':namespace:_encap_forward_namespaces';
	if (value === 'any') return ':value: ';
	return `:value:(${value.join(' ')})`;
}

function functionsOf(node: CommandNode, name: string): string[] {
	const flags = node.flags.map(
		({ name: flag, brief, value }) =>
			`\t\t'*${flag}[${quoted(brief)}]${value === undefined ? '' : action(value)}'`,
	);
	const below = node.commands.flatMap((each) => functionsOf(each, `${name}_${each.name}`));
	if (node.commands.length === 0) {
		const positional = node.positional === undefined ? [] : [`\t\t'1${action(node.positional)}'`];
		return [`${name}() {\n\t_arguments \\\n${[...flags, ...positional].join(' \\\n')}\n}`, ...below];
	}
	const list = node.commands.map((each) => `\t\t\t\t'${each.name}:${quoted(each.brief)}'`).join('\n');
	const cases = node.commands.map((each) => `\t\t\t\t${each.name}) ${name}_${each.name} ;;`).join('\n');
	const own = `${name}() {
	local context state line curcontext=$curcontext
	typeset -A opt_args
	_arguments -C \\
${flags.join(' \\\n')} \\
		'1:command:->command' \\
		'*::argument:->argument'
	case $state in
		command)
			local -a commands=(
${list}
			)
			_describe command commands
			;;
		argument)
			case $line[1] in
${cases}
			esac
			;;
	esac
}`;
	return [own, ...below];
}

export function zshCompletion(tree: CommandNode): string {
	return `#compdef encap-forward
# Completion of encap-forward for zsh. Written by \`npm run completions\`: do not edit.
# Copy it to a folder of $fpath, such as /usr/share/zsh/site-functions.

_encap_forward_namespaces() {
	local -a names=(/run/netns/*(N:t))
	compadd -a names
}

${functionsOf(tree, '_encap_forward').join('\n\n')}

if [[ $funcstack[1] == _encap-forward ]]; then _encap_forward "$@"; else compdef _encap_forward encap-forward; fi
`;
}
