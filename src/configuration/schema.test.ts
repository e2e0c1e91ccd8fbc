/** The JSON Schema that is shipped, judged by a validator that is not ours. */
import { readFileSync } from 'node:fs';
import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonSchemaFile, jsonSchemaText } from '../../scripts/json-schema.ts';
import { configuration } from '../../test/configuration/arbitraries.ts';
import { parseConfiguration } from './parse.ts';

const schema = JSON.parse(readFileSync(jsonSchemaFile, 'utf8')) as Schema;
const validator = new Validator(schema, '7');

function parserTakes(value: unknown): boolean {
	try {
		const read = () => ({ file: 't', size: 0, pieces: [] });
		parseConfiguration(JSON.stringify(value), { file: 'c', read });
		return true;
	} catch {
		return false;
	}
}

test('the committed file is fresh; npm run schema writes it', () => {
	expect(readFileSync(jsonSchemaFile, 'utf8')).toBe(jsonSchemaText());
});

test('it takes every valid configuration', () => {
	fc.assert(
		fc.property(configuration, (written) => {
			expect(validator.validate(written).errors).toEqual([]);
		}),
	);
});

const tunnel = { match: '10.0.0.0/8', encapsulation: 'ip', source: '192.0.2.1', destination: '192.0.2.2' };
const vxlan = { ...tunnel, encapsulation: 'vxlan', vni: 1 };
const whole = { interfaces: ['eth0'], tunnels: [tunnel] };

test.each<[unknown, boolean]>([
	[whole, true],
	[{ interfaces: ['eth0'], decapsulate: [{ encapsulation: 'gre', local: 'fc00::1' }] }, true],
	[{ ...whole, tunnels: [{ ...tunnel, source: '192.0.2.0/24', ttl: 'inherit', dscp: 63 }] }, true],
	[{ ...whole, tunnels: [{ ...vxlan, innerSource: '02:00:00:00:00:01' }] }, true],
	[{ ...whole, tunnelFiles: [{ file: 't', encapsulation: 'geneve' }] }, true],
	[{ interfaces: ['eth0'] }, false],
	[{ tunnels: [] }, false],
	[[], false],
	[{ ...whole, interfaces: [] }, false],
	[{ ...whole, interfaces: 'eth0' }, false],
	[{ ...whole, interfaces: ['eth0', 'eth0'] }, false],
	[{ ...whole, interfaces: ['sixteen-bytes---'] }, false],
	[{ ...whole, interfaces: ['a/b'] }, false],
	[{ ...whole, interfaces: ['a b'] }, false],
	[{ ...whole, interfaces: ['..'] }, false],
	[{ ...whole, egress: [] }, false],
	[{ ...whole, hook: 'xpd' }, false],
	[{ ...whole, hooks: 'xdp' }, false],
	[{ ...whole, tunnels: [{ ...tunnel, key: 1 }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, encapsulation: 'ipip' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, encapsulation: 'vxlan' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, match: '10.0.0.0/33' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, match: 'fc00::/129' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, source: '010.1.1.1' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, destination: '192.0.2.2/32' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, destination: 'example.org' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, ttl: 0 }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, ttl: 1.5 }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, ttl: '64' }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, dscp: 64 }] }, false],
	[{ ...whole, tunnels: [{ ...tunnel, dontFragment: 'no' }] }, false],
	[{ ...whole, tunnels: [{ ...vxlan, vni: 2 ** 24 }] }, false],
	[{ ...whole, tunnels: [{ ...vxlan, port: 0 }] }, false],
	[{ ...whole, tunnels: [{ ...vxlan, innerSource: '02-00-00-00-00-01' }] }, false],
	[{ ...whole, tunnelFiles: [{ encapsulation: 'ip' }] }, false],
	[{ ...whole, decapsulate: [{ encapsulation: 'vxlan', local: 'fc00::1' }] }, false],
])('%j: the schema and the parser say the same', (value, taken) => {
	expect({ schema: validator.validate(value).valid, parser: parserTakes(value) }).toEqual({
		schema: taken,
		parser: taken,
	});
});

test('what only the parser can say', () => {
	for (const changed of [
		{ source: 'fc00::1' },
		{ destination: '224.0.0.1' },
		{ match: '10.0.0.1/8' },
		{ destination: '10.0.0.1' },
	]) {
		const value = { ...whole, tunnels: [{ ...tunnel, ...changed }] };
		expect([validator.validate(value).valid, parserTakes(value)]).toEqual([true, false]);
	}
});
