import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIp } from '../packet/address.ts';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import { parseDecapsulation } from '../tunnel/decapsulation.ts';
import { decapsulationEntries, keyDecapsulation } from './decapsulation-map.ts';

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

/** Both maps' entries as text, ready to be compared. */
function entriesOf(...list: readonly Decapsulation[]): { keys: string[]; endpoints: string[] } {
	const { decapsulations, endpoints } = decapsulationEntries(list.map(parseDecapsulation));
	return {
		keys: decapsulations.map(hexadecimal),
		endpoints: endpoints.map(({ key, value }) => `${hexadecimal(key)} ${hexadecimal(value)}`),
	};
}

const zero12 = '0'.repeat(24);
const four = `0a0b0202${zero12}`;
const six = 'fc00deadcafe00020000000000000002';

const cases: readonly [Decapsulation, key: string, endpoints: readonly string[]][] = [
	[
		{ encapsulation: 'ip', local: '10.11.2.2' },
		`${four}00000000${'0000'}0200${'00'}000000`,
		[`${four}0000${'02'}00 01000000`],
	],
	[
		{ encapsulation: 'ip', local: 'fc00:dead:cafe:2::2' },
		`${six}00000000${'0000'}0a00${'00'}000000`,
		[`${six}0000${'0a'}00 01000000`],
	],
	[
		{ encapsulation: 'gre', local: '10.11.2.2' },
		`${four}00000000${'0000'}0201${'00'}000000`,
		[`${four}0000${'02'}00 02000000`],
	],
	[
		{ encapsulation: 'gre', local: '10.11.2.2', key: 0 },
		`${four}00000000${'0000'}0201${'04'}000000`,
		[`${four}0000${'02'}00 02000000`],
	],
	[
		{ encapsulation: 'gue', local: '10.11.2.2' },
		`${four}00000000${'17c0'}0202${'00'}000000`,
		[`${four}0000${'02'}00 04000000`, `${four}17c0${'02'}00 04000000`],
	],
	[
		{ encapsulation: 'vxlan', local: '10.11.2.2', vni: 0xabcdef, port: 8472 },
		`${four}abcdef00${'2118'}0203${'00'}000000`,
		[`${four}0000${'02'}00 08000000`, `${four}2118${'02'}00 08000000`],
	],
	[
		{ encapsulation: 'geneve', local: 'fc00:dead:cafe:2::2', vni: 1 },
		`${six}00000100${'17c1'}0a04${'00'}000000`,
		[`${six}0000${'0a'}00 10000000`, `${six}17c1${'0a'}00 10000000`],
	],
];

test.each(cases)('%j, byte by byte', (decapsulation, key, endpoints) => {
	expect(entriesOf(decapsulation)).toEqual({ keys: [key], endpoints });
});

test('what ends at one address shares its endpoint', () => {
	const local = '10.11.2.2';
	const { keys, endpoints } = entriesOf(
		{ encapsulation: 'ip', local },
		{ encapsulation: 'gre', local },
		{ encapsulation: 'vxlan', local, vni: 1 },
		{ encapsulation: 'vxlan', local, vni: 2 },
	);
	expect(new Set(keys).size).toBe(4);
	expect(endpoints).toEqual([`${four}0000${'02'}00 0b000000`, `${four}12b5${'02'}00 08000000`]);
});

const anyDecapsulation: fc.Arbitrary<Decapsulation> = fc
	.tuple(
		fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
		fc.constantFrom('ip', 'gre', 'gue', 'vxlan', 'geneve'),
		fc.option(fc.nat(0xffffffff), { nil: undefined }),
		fc.integer({ min: 1, max: 65_535 }),
		fc.nat(0xffffff),
	)
	.map(([bytes, encapsulation, key, port, vni]): Decapsulation => {
		const local = formatIp(bytes);
		if (encapsulation === 'ip') return { encapsulation, local };
		if (encapsulation === 'gre') return { encapsulation, local, ...(key === undefined ? {} : { key }) };
		if (encapsulation === 'gue') return { encapsulation, local, port };
		return { encapsulation, local, port, vni };
	});

test('a key says which decapsulation it is', () => {
	fc.assert(
		fc.property(anyDecapsulation, (decapsulation) => {
			const { decapsulations } = decapsulationEntries([parseDecapsulation(decapsulation)]);
			expect(decapsulations.map(keyDecapsulation)).toEqual([decapsulation]);
		}),
	);
});
