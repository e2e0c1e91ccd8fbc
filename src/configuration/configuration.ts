/** What the forwarder is told: a configuration file as plain data. */
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import type { GeneveTunnel, GreTunnel, GueTunnel, IpTunnel, Tunnel, VxlanTunnel } from '../tunnel/tunnel.ts';

export interface Configuration {
	/** Devices that packets come in by, at least one. */
	readonly interfaces: readonly string[];
	/**
	 * Where the programs are attached. `xdp`: XDP, and TC behind it for what XDP cannot send; `tc`: TC alone;
	 * `automatic`: as `xdp` where the device takes an XDP program, `tc` elsewhere.
	 */
	readonly hook: 'xdp' | 'tc' | 'automatic';
	/** `native`: by the driver or not at all; `generic`: by the kernel; `automatic`: the first that attaches. */
	readonly xdpMode: 'native' | 'generic' | 'automatic';
	/** Devices that packets may leave by; every device if not given. */
	readonly egress?: readonly string[];
	/** Whether each tunnel's packets are counted; if not given, while there are at most 65,536. */
	readonly tunnelCounters?: boolean;
	readonly tunnels: readonly Tunnel[];
	/** Files with one tunnel on a line, for very many of them. */
	readonly tunnelFiles: readonly TunnelFile[];
	readonly decapsulate: readonly Decapsulation[];
}

/** A tunnel without what each line of a file gives. What the rest is, a line may say otherwise. */
type LineDefaults<Each extends Tunnel> = Omit<Each, 'match' | 'destination' | 'source' | 'vni'> &
	Partial<Pick<Each, Extract<keyof Each, 'source' | 'vni'>>>;

/** A file of tunnels of one encapsulation, and the members that its lines share. */
export type TunnelFile = { readonly file: string } & (
	| LineDefaults<IpTunnel>
	| LineDefaults<GreTunnel>
	| LineDefaults<GueTunnel>
	| LineDefaults<VxlanTunnel>
	| LineDefaults<GeneveTunnel>
);
