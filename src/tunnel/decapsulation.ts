/** A decapsulation as users write it, and parsed: from its text to its bytes, every default filled in. */
import { EncapForwardError } from '../error.ts';
import { type IpAddress, parseIp } from '../packet/address.ts';
import { defaultPort } from './limits.ts';
import { ipProblem } from './text-problem.ts';

/** Whose packets are taken out of their encapsulation: what the outer header must be, all of it. */
export type Decapsulation = {
	/** Destination address of the outer header. */
	readonly local: string;
} & (
	| { readonly encapsulation: 'ip' }
	| {
			readonly encapsulation: 'gre';
			/** Without one, only packets without a key are meant, as with `ip link add type gre`. */
			readonly key?: number;
	  }
	| {
			readonly encapsulation: 'gue';
			/** UDP destination port; the encapsulation's own if not given. */
			readonly port?: number;
	  }
	| { readonly encapsulation: 'vxlan' | 'geneve'; readonly vni: number; readonly port?: number }
);

export type ParsedDecapsulation = { readonly local: IpAddress } & (
	| { readonly encapsulation: 'ip' }
	| { readonly encapsulation: 'gre'; readonly key: number | undefined }
	| { readonly encapsulation: 'gue'; readonly port: number }
	| { readonly encapsulation: 'vxlan' | 'geneve'; readonly port: number; readonly vni: number }
);

/** @throws EF_INPUT if `local` is not an address */
export function parseDecapsulation(decapsulation: Decapsulation): ParsedDecapsulation {
	const local = parseIp(decapsulation.local);
	if (local === undefined)
		throw new EncapForwardError('EF_INPUT', `decapsulation: local: ${ipProblem(decapsulation.local)}`);
	switch (decapsulation.encapsulation) {
		case 'ip':
			return { encapsulation: 'ip', local };
		case 'gre':
			return { encapsulation: 'gre', local, key: decapsulation.key };
		case 'gue':
			return { encapsulation: 'gue', local, port: decapsulation.port ?? defaultPort.gue };
		default: {
			const { encapsulation, vni, port = defaultPort[encapsulation] } = decapsulation;
			return { encapsulation, local, port, vni };
		}
	}
}
