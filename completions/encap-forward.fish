# Completion of encap-forward for fish. Written by `npm run completions`: do not edit.
# Copy it to ~/.config/fish/completions or /usr/share/fish/vendor_completions.d.

# Whether the commands on the line so far are just these.
function __encap_forward_at
	set -l path
	for word in (commandline -opc)[2..-1]
		set -l next (string trim -- "$path $word")
		if contains -- "$next" 'check' 'up' 'status' 'reload' 'down' 'metrics' 'trace' 'snapshot' 'explain' 'lab' 'lab run' 'lab up' 'lab ping' 'lab down'
			set path $next
		end
	end
	test "$path" = "$argv"
end

complete -c encap-forward -f
complete -c encap-forward -f -n '__encap_forward_at' -a 'check' -d 'Say what a configuration file of the forwarder says, or every mistake in it'
complete -c encap-forward -f -n '__encap_forward_at' -a 'up' -d 'Start the forwarder; it goes on without a process'
complete -c encap-forward -f -n '__encap_forward_at' -a 'status' -d 'Say what the forwarder is attached to, its tunnels, and what became of every packet'
complete -c encap-forward -f -n '__encap_forward_at' -a 'reload' -d 'Give the running forwarder another configuration, all of it or nothing, without losing a packet'
complete -c encap-forward -f -n '__encap_forward_at' -a 'down' -d 'End the forwarder and remove everything of it, whatever of it is still there'
complete -c encap-forward -f -n '__encap_forward_at' -a 'metrics' -d 'Serve the counters to Prometheus on /metrics, and /healthz, until Ctrl-C'
complete -c encap-forward -f -n '__encap_forward_at' -a 'trace' -d 'Show the packets that this host drops now: why, where, by which device, and what they are'
complete -c encap-forward -f -n '__encap_forward_at' -a 'snapshot' -d 'Write the state of this host that decides what becomes of packets, as one JSON file'
complete -c encap-forward -f -n '__encap_forward_at' -a 'explain' -d 'Say what would become of a packet on this host or on a snapshot, why, and what gets it through'
complete -c encap-forward -f -n '__encap_forward_at' -a 'lab' -d 'Where do encapsulated packets vanish? Every combination tried and explained'
complete -c encap-forward -n '__encap_forward_at' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at check' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at check' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at check' -F
complete -c encap-forward -n '__encap_forward_at up' -l 'config' -d 'The configuration, YAML or JSON' -r -F
complete -c encap-forward -n '__encap_forward_at up' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at up' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at up' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at status' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at status' -l 'watch' -d 'Go on with the rates, each second, until Ctrl-C'
complete -c encap-forward -n '__encap_forward_at status' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at status' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at reload' -l 'config' -d 'The configuration, YAML or JSON' -r -F
complete -c encap-forward -n '__encap_forward_at reload' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at reload' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at reload' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at down' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at down' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at down' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at metrics' -l 'listen' -d 'Where to listen: ADDRESS:PORT' -x
complete -c encap-forward -n '__encap_forward_at metrics' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at metrics' -l 'tunnels' -d 'Tell each tunnel\'s counters also where there are more than 1,000 tunnels'
complete -c encap-forward -n '__encap_forward_at metrics' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at metrics' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at trace' -l 'cause' -d 'Our name for why, such as reverse-path' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'reason' -d 'The kernel\'s name for why, such as IP_RPFILTER' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'device' -d 'Device that the packet came in by, or was to leave by' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'netns' -d 'Network namespace, as "ip netns" names it; or host, pid:NUMBER, inode:NUMBER' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at trace' -l 'outer' -d 'Network of the outermost source or destination' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'inner' -d 'Network of the encapsulated source or destination; others are left out' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'routine' -d 'Also what is freed in the ordinary course of things, such as with a closed socket'
complete -c encap-forward -n '__encap_forward_at trace' -l 'count' -d 'End after so many packets' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'seconds' -d 'End after so many seconds' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'interval' -d 'Print what was dropped in each so many seconds' -x
complete -c encap-forward -n '__encap_forward_at trace' -l 'each' -d 'Print each packet as it is dropped, and the table at the end'
complete -c encap-forward -n '__encap_forward_at trace' -l 'pcap' -d 'Write each packet to a pcapng file, reason and place in its comment' -r -F
complete -c encap-forward -n '__encap_forward_at trace' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at trace' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at snapshot' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at snapshot' -l 'output' -d 'Write it to a file; to stdout if not given' -r -F
complete -c encap-forward -n '__encap_forward_at snapshot' -l 'json' -d 'Write an error as JSON; the snapshot is JSON anyway'
complete -c encap-forward -n '__encap_forward_at snapshot' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at explain' -l 'in' -d 'The device it comes in by' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'packet' -d 'The packet, such as \'ipv4 198.51.100.7 > 10.0.2.2 ttl 3 udp 5000 > 53\'' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'pcap' -d 'A capture that holds the packet, pcap or pcapng' -r -F
complete -c encap-forward -n '__encap_forward_at explain' -l 'frame' -d 'The frame\'s number in the capture; 1 if not given' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'snapshot' -d 'A file that "snapshot" wrote; this host as it is now if not given' -r -F
complete -c encap-forward -n '__encap_forward_at explain' -l 'netns' -d 'Network namespace to work in, as "ip netns" names it; the own one if not given' -x -a '(ls /run/netns 2>/dev/null)'
complete -c encap-forward -n '__encap_forward_at explain' -l 'tunnel' -d 'A tunnel of the datapath on that device: \'vxlan 10.9.0.0/16 192.0.2.2 source=192.0.2.1 vni=42\'' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'config' -d 'A forwarder\'s configuration, for its tunnels' -r -F
complete -c encap-forward -n '__encap_forward_at explain' -l 'hook' -d 'Where the datapath is; xdp if not given' -x -a 'xdp tc'
complete -c encap-forward -n '__encap_forward_at explain' -l 'forwarding' -d 'How it forwards: up the stack, or redirected by the FIB, which is the default' -x -a 'stack fib'
complete -c encap-forward -n '__encap_forward_at explain' -l 'mark' -d 'The mark that a firewall rule or program has given the packet before it is routed' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'kernel' -d 'Release of the kernel to model, such as 5.10; that of the host if not given' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'expect' -d 'Fail unless it ends so: forwarded, delivered, dropped, or a cause such as reverse-path' -x
complete -c encap-forward -n '__encap_forward_at explain' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at explain' -l 'help' -d 'Print help'
complete -c encap-forward -f -n '__encap_forward_at lab' -a 'run' -d 'Try every combination and say what became of each packet, and why'
complete -c encap-forward -f -n '__encap_forward_at lab' -a 'up' -d 'Set up the example\'s network to explore by hand; the options choose the cell'
complete -c encap-forward -f -n '__encap_forward_at lab' -a 'ping' -d 'Ping through that network and print each packet\'s journey as it happens'
complete -c encap-forward -f -n '__encap_forward_at lab' -a 'down' -d 'Remove that network and all that is in it'
complete -c encap-forward -n '__encap_forward_at lab' -l 'hook' -d 'Where the datapath is' -x -a 'xdp tc'
complete -c encap-forward -n '__encap_forward_at lab' -l 'outer' -d 'Family of the outer header' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab' -l 'inner' -d 'Family of the packet that is encapsulated; ipv6 if not given' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab' -l 'forwarding' -d 'How the packet goes on: up the stack, or redirected by the FIB' -x -a 'stack fib'
complete -c encap-forward -n '__encap_forward_at lab' -l 'source' -d 'Outer source: the router\'s own, one of the egress link\'s, or one without a route' -x -a 'local other-device unrouted'
complete -c encap-forward -n '__encap_forward_at lab' -l 'rp-filter' -d 'net.ipv4.conf.veth0.rp_filter' -x -a '0 1 2'
complete -c encap-forward -n '__encap_forward_at lab' -l 'accept-local' -d 'net.ipv4.conf.veth0.accept_local' -x -a '0 1'
complete -c encap-forward -n '__encap_forward_at lab' -l 'neighbour' -d 'Whether the next hop is known beforehand' -x -a 'known unknown'
complete -c encap-forward -n '__encap_forward_at lab' -l 'engine' -d 'Who tries: the running kernel, or a model of one; linux where it can be used, if not given' -x -a 'linux model'
complete -c encap-forward -n '__encap_forward_at lab' -l 'kernel' -d 'Release of the kernel to model, such as 6.1; implies --engine model' -x
complete -c encap-forward -n '__encap_forward_at lab' -l 'journey' -d 'Print each packet\'s way step by step, its bytes dissected'
complete -c encap-forward -n '__encap_forward_at lab' -l 'pcap' -d 'Write every frame seen to a pcapng file' -r -F
complete -c encap-forward -n '__encap_forward_at lab' -l 'expect' -d 'Fail unless every packet ends so' -x -a 'forwarded dropped'
complete -c encap-forward -n '__encap_forward_at lab' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at lab' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'hook' -d 'Where the datapath is' -x -a 'xdp tc'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'outer' -d 'Family of the outer header' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'inner' -d 'Family of the packet that is encapsulated; ipv6 if not given' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'forwarding' -d 'How the packet goes on: up the stack, or redirected by the FIB' -x -a 'stack fib'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'source' -d 'Outer source: the router\'s own, one of the egress link\'s, or one without a route' -x -a 'local other-device unrouted'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'rp-filter' -d 'net.ipv4.conf.veth0.rp_filter' -x -a '0 1 2'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'accept-local' -d 'net.ipv4.conf.veth0.accept_local' -x -a '0 1'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'neighbour' -d 'Whether the next hop is known beforehand' -x -a 'known unknown'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'engine' -d 'Who tries: the running kernel, or a model of one; linux where it can be used, if not given' -x -a 'linux model'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'kernel' -d 'Release of the kernel to model, such as 6.1; implies --engine model' -x
complete -c encap-forward -n '__encap_forward_at lab run' -l 'journey' -d 'Print each packet\'s way step by step, its bytes dissected'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'pcap' -d 'Write every frame seen to a pcapng file' -r -F
complete -c encap-forward -n '__encap_forward_at lab run' -l 'expect' -d 'Fail unless every packet ends so' -x -a 'forwarded dropped'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at lab run' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'hook' -d 'Where the datapath is' -x -a 'xdp tc'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'outer' -d 'Family of the outer header' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'inner' -d 'Family of the packet that is encapsulated; ipv6 if not given' -x -a 'ipv4 ipv6'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'forwarding' -d 'How the packet goes on: up the stack, or redirected by the FIB' -x -a 'stack fib'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'source' -d 'Outer source: the router\'s own, one of the egress link\'s, or one without a route' -x -a 'local other-device unrouted'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'rp-filter' -d 'net.ipv4.conf.veth0.rp_filter' -x -a '0 1 2'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'accept-local' -d 'net.ipv4.conf.veth0.accept_local' -x -a '0 1'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'neighbour' -d 'Whether the next hop is known beforehand' -x -a 'known unknown'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'name' -d 'Name of the lab, the first part of its namespaces\' names' -x
complete -c encap-forward -n '__encap_forward_at lab up' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at lab up' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at lab ping' -l 'count' -d 'Stop after this many packets; until Ctrl-C if not given' -x
complete -c encap-forward -n '__encap_forward_at lab ping' -l 'name' -d 'Name of the lab, the first part of its namespaces\' names' -x
complete -c encap-forward -n '__encap_forward_at lab ping' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at lab ping' -l 'help' -d 'Print help'
complete -c encap-forward -n '__encap_forward_at lab down' -l 'name' -d 'Name of the lab, the first part of its namespaces\' names' -x
complete -c encap-forward -n '__encap_forward_at lab down' -l 'json' -d 'Write JSON'
complete -c encap-forward -n '__encap_forward_at lab down' -l 'help' -d 'Print help'
