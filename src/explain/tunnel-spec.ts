/** A tunnel in one argument: `vxlan 10.9.0.0/16 192.0.2.2 source=192.0.2.1 vni=42`. */
import * as v from 'valibot';
import { memberNames, tunnelSchema } from '../configuration/schema.ts';
import { suggestion } from '../configuration/suggestion.ts';
import { EncapForwardError } from '../error.ts';
import { encapsulations, parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';

function refusal(what: string): EncapForwardError {
	return new EncapForwardError('EF_USAGE', `--tunnel: ${what}`);
}

/** @throws EF_USAGE */
export function parseTunnelSpec(text: string): Tunnel {
	const [kind = '', match, destination, ...options] = text.trim().split(/\s+/);
	if (!(encapsulations as readonly string[]).includes(kind)) {
		throw refusal(`"${kind}" is no encapsulation; ${suggestion(kind, encapsulations)}`);
	}
	if (match === undefined || destination === undefined) {
		throw refusal(`"${text}" is too short; give ENCAPSULATION MATCH DESTINATION source=ADDRESS`);
	}
	const members: Record<string, unknown> = { encapsulation: kind, match, destination };
	const names = memberNames.tunnels[kind as Tunnel['encapsulation']];
	for (const option of options) {
		const [name = '', value] = option.split(/=(.*)/s);
		if (value === undefined) throw refusal(`"${option}" has no =; give options as name=value`);
		if (!names.includes(name)) throw refusal(`${kind} has no option ${name}; ${suggestion(name, names)}`);
		members[name] = /^(0|[1-9][0-9]*)$/.test(value)
			? Number(value)
			: value === 'true' || (value === 'false' ? false : value);
	}
	const result = v.safeParse(tunnelSchema, members);
	if (!result.success) {
		const [issue] = result.issues;
		const name = String(issue.path?.[0]?.key);
		throw refusal(
			issue.received === 'undefined'
				? `${name} is missing; give ${name}=${issue.message}`
				: issue.type === 'check'
					? `${name}: ${JSON.stringify(members[name])} ${issue.message}`
					: `${name}: give ${issue.message}, not ${JSON.stringify(members[name])}`,
		);
	}
	try {
		parseTunnel(result.output);
	} catch (error) {
		if (error instanceof EncapForwardError) throw refusal(error.message);
		throw error;
	}
	return result.output;
}
