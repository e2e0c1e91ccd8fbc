import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { objectPath } from '../../src/datapath/datapath.ts';
import { keptMaps, recreatedMaps } from '../../src/forwarder/maps.ts';
import { mapInformation } from '../../src/kernel/map.ts';
import { loadObject } from '../../src/kernel/object.ts';
import { requires } from '../needs.ts';

/** The maps of an object file as bpftool finds them: its BTF's sections .maps and those of variables. */
function mapsOf(object: string): string[] {
	const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', object], { encoding: 'utf8' });
	const { types } = JSON.parse(dump) as {
		types: { id: number; kind: string; name: string; vars?: { type_id: number }[] }[];
	};
	const names = new Map(types.map(({ id, name }) => [id, name]));
	return types
		.filter(({ kind, name }) => kind === 'DATASEC' && name !== 'license')
		.flatMap(({ name, vars = [] }) =>
			name === '.maps' ? vars.map((each) => names.get(each.type_id)) : [name],
		)
		.map(String)
		.sort();
}

test('every map is classified, and none twice', requires('root', 'bpftool'), () => {
	const maps = (['datapath-tc', 'datapath-xdp'] as const).flatMap((name) => mapsOf(objectPath(name)));
	expect([...new Set(maps)].sort()).toEqual([...Object.keys(keptMaps), ...Object.keys(recreatedMaps)].sort());
});

test('a kept map has the shape that the source gives it', requires('root'), () => {
	for (const name of ['datapath-tc', 'datapath-xdp'] as const) {
		const object = loadObject(objectPath(name));
		try {
			for (const [map, { shape }] of Object.entries(keptMaps)) {
				const { type, keyBytes, valueBytes, entries } = mapInformation(object.map(map));
				expect({ map, type, keyBytes, valueBytes }).toEqual({
					map,
					type: shape.type,
					keyBytes: shape.keyBytes,
					valueBytes: shape.valueBytes,
				});
				if (shape.entries !== undefined) expect(entries).toBe(shape.entries);
			}
		} finally {
			object.close();
		}
	}
});
