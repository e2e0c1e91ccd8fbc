/** `npm run schema`: write the JSON Schemas of the configuration and of snapshots, for editors and programs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { jsonSchemaFile, jsonSchemaText, snapshotSchemaFile, snapshotSchemaText } from './json-schema.ts';

mkdirSync(new URL('.', jsonSchemaFile), { recursive: true });
writeFileSync(jsonSchemaFile, jsonSchemaText());
writeFileSync(snapshotSchemaFile, snapshotSchemaText());
