/** The notes of labs by hand, under names that nobody else has. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
	allMarkers,
	claimWatch,
	createMarker,
	isAlive,
	type Marker,
	readMarker,
	removeMarker,
	replaceMarker,
	thisProcess,
} from '../../src/lab/marker.ts';
import { requires } from '../needs.ts';
import { uniqueName } from '../support/command.ts';
import { cellOf } from '../support/journeys.ts';

const gone = { pid: 2 ** 22 - 1, started: '1' };

test('a process is told from a later one with the same number', () => {
	const { pid, started } = thisProcess();
	expect(isAlive({ pid, started })).toBe(true);
	expect(isAlive({ pid, started: String(Number(started) - 1) })).toBe(false);
	expect(isAlive({ pid: 0, started: '' })).toBe(false);
	expect(isAlive(gone)).toBe(false);
});

describe('notes', requires('root'), () => {
	let marker: Marker;
	beforeEach(() => {
		marker = { name: uniqueName(), owner: thisProcess(), router: 4026532000, host: 4026532001 };
	});
	afterEach(() => removeMarker(marker.name));

	test('one that is made is read again, and is among all', () => {
		expect(readMarker(marker.name)).toBeUndefined();
		createMarker(marker);
		expect(readMarker(marker.name)).toEqual(marker);
		expect(allMarkers()).toContainEqual(marker);
		const up: Marker = { ...marker, up: { cell: cellOf(), sightings: 7 } };
		replaceMarker(up);
		expect(readMarker(marker.name)).toEqual(up);
		removeMarker(marker.name);
		expect(readMarker(marker.name)).toBeUndefined();
		expect(() => removeMarker(marker.name)).not.toThrow();
	});

	test('a name can be claimed once', () => {
		createMarker(marker);
		expect(() => createMarker({ ...marker, router: 1 })).toThrow(
			expect.objectContaining({ code: 'EF_BUSY' }),
		);
		expect(readMarker(marker.name)).toEqual(marker);
	});

	test('half a note is that of nobody alive', () => {
		mkdirSync('/run/encap-forward', { recursive: true, mode: 0o700 });
		writeFileSync(`/run/encap-forward/${marker.name}.json`, '{"name":');
		const half = readMarker(marker.name);
		expect(half).toMatchObject({ name: marker.name });
		expect(half && isAlive(half.owner)).toBe(false);
		expect(half).not.toHaveProperty('up');
	});

	test('one process watches a lab, and a dead one does not count', () => {
		createMarker(marker);
		const release = claimWatch(marker.name);
		expect(() => claimWatch(marker.name)).toThrow(expect.objectContaining({ code: 'EF_BUSY' }));
		release();
		claimWatch(marker.name)();
		writeFileSync(`/run/encap-forward/${marker.name}.watch`, JSON.stringify(gone));
		claimWatch(marker.name)();
		expect(existsSync(`/run/encap-forward/${marker.name}.watch`)).toBe(false);
	});
});
