/** The JSON Schema of snapshots that is shipped, judged by a validator that is not ours. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Schema, Validator } from '@cfworker/json-schema';
import { expect, test } from 'vitest';
import { snapshotSchemaFile, snapshotSchemaText } from '../../scripts/json-schema.ts';

const folder = new URL('../../test/explain/cases/', import.meta.url);
const validator = new Validator(JSON.parse(readFileSync(snapshotSchemaFile, 'utf8')) as Schema, '7');

function stored(name: string): Record<string, unknown> {
	return (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { snapshot: Record<string, unknown> })
		.snapshot;
}

test('the committed file is fresh; npm run schema writes it', () => {
	expect(readFileSync(snapshotSchemaFile, 'utf8')).toBe(snapshotSchemaText());
});

test.each(readdirSync(folder))('it takes the snapshot of %s, and no other version of it', (name) => {
	expect(validator.validate(stored(name)).errors).toEqual([]);
	expect(validator.validate({ ...stored(name), version: 2 }).valid).toBe(false);
	expect(validator.validate({ ...stored(name), routes: [] }).valid).toBe(false);
	expect(validator.validate({ ...stored(name), hostname: 'x' }).valid).toBe(false);
});
