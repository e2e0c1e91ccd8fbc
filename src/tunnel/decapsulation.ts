/** From a decapsulation's text to its bytes, every default filled in. */
import { EncapForwardError } from '../error.ts';
import { type IpAddress, parseIp } from '../packet/address.ts';
import type { Decapsulation } from './configuration.ts';
import { defaultPort } from './limits.ts';
import { ipProblem } from './text-problem.ts';

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
