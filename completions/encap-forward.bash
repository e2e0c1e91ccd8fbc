# Completion of encap-forward for bash. Written by `npm run completions`: do not edit.
# Source it, or copy it to /usr/share/bash-completion/completions/encap-forward.

_encap_forward_namespaces() {
	local name
	for name in /run/netns/*; do [[ -e $name ]] && printf '%s\n' "${name##*/}"; done
}

_encap_forward() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path='' at
	for ((at = 1; at < COMP_CWORD; at++)); do
		case "$path ${COMP_WORDS[at]}" in
		' check') path='check' ;;
		' up') path='up' ;;
		' status') path='status' ;;
		' reload') path='reload' ;;
		' down') path='down' ;;
		' metrics') path='metrics' ;;
		' trace') path='trace' ;;
		' snapshot') path='snapshot' ;;
		' explain') path='explain' ;;
		' lab') path='lab' ;;
		'lab run') path='lab run' ;;
		'lab up') path='lab up' ;;
		'lab ping') path='lab ping' ;;
		'lab down') path='lab down' ;;
		esac
	done
	COMPREPLY=()
	case "$path $before" in
	'lab down --name') COMPREPLY=(); return ;;
	'lab down '*) COMPREPLY=($(compgen -W '--name --json --help' -- "$word")) ;;
	'lab ping --count') COMPREPLY=(); return ;;
	'lab ping --name') COMPREPLY=(); return ;;
	'lab ping '*) COMPREPLY=($(compgen -W '--count --name --json --help' -- "$word")) ;;
	'lab up --hook') COMPREPLY=($(compgen -W 'xdp tc' -- "$word")); return ;;
	'lab up --outer') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab up --inner') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab up --forwarding') COMPREPLY=($(compgen -W 'stack fib' -- "$word")); return ;;
	'lab up --source') COMPREPLY=($(compgen -W 'local other-device unrouted' -- "$word")); return ;;
	'lab up --rp-filter') COMPREPLY=($(compgen -W '0 1 2' -- "$word")); return ;;
	'lab up --accept-local') COMPREPLY=($(compgen -W '0 1' -- "$word")); return ;;
	'lab up --neighbour') COMPREPLY=($(compgen -W 'known unknown' -- "$word")); return ;;
	'lab up --name') COMPREPLY=(); return ;;
	'lab up '*) COMPREPLY=($(compgen -W '--hook --outer --inner --forwarding --source --rp-filter --accept-local --neighbour --name --json --help' -- "$word")) ;;
	'lab run --hook') COMPREPLY=($(compgen -W 'xdp tc' -- "$word")); return ;;
	'lab run --outer') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab run --inner') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab run --forwarding') COMPREPLY=($(compgen -W 'stack fib' -- "$word")); return ;;
	'lab run --source') COMPREPLY=($(compgen -W 'local other-device unrouted' -- "$word")); return ;;
	'lab run --rp-filter') COMPREPLY=($(compgen -W '0 1 2' -- "$word")); return ;;
	'lab run --accept-local') COMPREPLY=($(compgen -W '0 1' -- "$word")); return ;;
	'lab run --neighbour') COMPREPLY=($(compgen -W 'known unknown' -- "$word")); return ;;
	'lab run --engine') COMPREPLY=($(compgen -W 'linux model' -- "$word")); return ;;
	'lab run --kernel') COMPREPLY=(); return ;;
	'lab run --pcap') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'lab run --expect') COMPREPLY=($(compgen -W 'forwarded dropped' -- "$word")); return ;;
	'lab run '*) COMPREPLY=($(compgen -W '--hook --outer --inner --forwarding --source --rp-filter --accept-local --neighbour --engine --kernel --journey --pcap --expect --json --help' -- "$word")) ;;
	'lab --hook') COMPREPLY=($(compgen -W 'xdp tc' -- "$word")); return ;;
	'lab --outer') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab --inner') COMPREPLY=($(compgen -W 'ipv4 ipv6' -- "$word")); return ;;
	'lab --forwarding') COMPREPLY=($(compgen -W 'stack fib' -- "$word")); return ;;
	'lab --source') COMPREPLY=($(compgen -W 'local other-device unrouted' -- "$word")); return ;;
	'lab --rp-filter') COMPREPLY=($(compgen -W '0 1 2' -- "$word")); return ;;
	'lab --accept-local') COMPREPLY=($(compgen -W '0 1' -- "$word")); return ;;
	'lab --neighbour') COMPREPLY=($(compgen -W 'known unknown' -- "$word")); return ;;
	'lab --engine') COMPREPLY=($(compgen -W 'linux model' -- "$word")); return ;;
	'lab --kernel') COMPREPLY=(); return ;;
	'lab --pcap') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'lab --expect') COMPREPLY=($(compgen -W 'forwarded dropped' -- "$word")); return ;;
	'lab '*) COMPREPLY=($(compgen -W 'run up ping down --hook --outer --inner --forwarding --source --rp-filter --accept-local --neighbour --engine --kernel --journey --pcap --expect --json --help' -- "$word")) ;;
	'explain --in') COMPREPLY=(); return ;;
	'explain --packet') COMPREPLY=(); return ;;
	'explain --pcap') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'explain --frame') COMPREPLY=(); return ;;
	'explain --snapshot') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'explain --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'explain --tunnel') COMPREPLY=(); return ;;
	'explain --config') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'explain --hook') COMPREPLY=($(compgen -W 'xdp tc' -- "$word")); return ;;
	'explain --forwarding') COMPREPLY=($(compgen -W 'stack fib' -- "$word")); return ;;
	'explain --mark') COMPREPLY=(); return ;;
	'explain --kernel') COMPREPLY=(); return ;;
	'explain --expect') COMPREPLY=(); return ;;
	'explain '*) COMPREPLY=($(compgen -W '--in --packet --pcap --frame --snapshot --netns --tunnel --config --hook --forwarding --mark --kernel --expect --json --help' -- "$word")) ;;
	'snapshot --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'snapshot --output') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'snapshot '*) COMPREPLY=($(compgen -W '--netns --output --json --help' -- "$word")) ;;
	'trace --cause') COMPREPLY=(); return ;;
	'trace --reason') COMPREPLY=(); return ;;
	'trace --device') COMPREPLY=(); return ;;
	'trace --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'trace --outer') COMPREPLY=(); return ;;
	'trace --inner') COMPREPLY=(); return ;;
	'trace --count') COMPREPLY=(); return ;;
	'trace --seconds') COMPREPLY=(); return ;;
	'trace --interval') COMPREPLY=(); return ;;
	'trace --pcap') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'trace '*) COMPREPLY=($(compgen -W '--cause --reason --device --netns --outer --inner --routine --count --seconds --interval --each --pcap --json --help' -- "$word")) ;;
	'metrics --listen') COMPREPLY=(); return ;;
	'metrics --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'metrics '*) COMPREPLY=($(compgen -W '--listen --netns --tunnels --json --help' -- "$word")) ;;
	'down --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'down '*) COMPREPLY=($(compgen -W '--netns --json --help' -- "$word")) ;;
	'reload --config') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'reload --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'reload '*) COMPREPLY=($(compgen -W '--config --netns --json --help' -- "$word")) ;;
	'status --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'status '*) COMPREPLY=($(compgen -W '--netns --watch --json --help' -- "$word")) ;;
	'up --config') compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
	'up --netns') COMPREPLY=($(compgen -W "$(_encap_forward_namespaces)" -- "$word")); return ;;
	'up '*) COMPREPLY=($(compgen -W '--config --netns --json --help' -- "$word")) ;;
	'check '*) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--json --help' -- "$word")); else compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); fi ;;
	' '*) COMPREPLY=($(compgen -W 'check up status reload down metrics trace snapshot explain lab --help' -- "$word")) ;;
	esac
}

complete -F _encap_forward encap-forward
