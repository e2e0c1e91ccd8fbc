/** `npm run schema`: write the JSON Schema of the configuration, for editors. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { jsonSchemaFile, jsonSchemaText } from './json-schema.ts';

mkdirSync(new URL('.', jsonSchemaFile), { recursive: true });
writeFileSync(jsonSchemaFile, jsonSchemaText());
