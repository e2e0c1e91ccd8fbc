/** The JSON Schemas of the configuration and of snapshots, made from the schemas that the parsers use. */
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { configurationSchema } from '../src/configuration/schema.ts';
import { snapshotSchema } from '../src/explain/snapshot-schema.ts';

/** Of the configuration's file, from this one's folder. */
export const jsonSchemaFile: URL = new URL('../schema/encap-forward.schema.json', import.meta.url);
export const snapshotSchemaFile: URL = new URL('../schema/snapshot.schema.json', import.meta.url);

function jsonSchema(schema: Parameters<typeof toJsonSchema>[0]): JsonSchema {
	return toJsonSchema(schema, {
		typeMode: 'input',
		target: 'draft-07',
		// A rule of our own: its metadata is what JSON Schema can say of it.
		ignoreActions: ['check'],
		overrideAction: ({ valibotAction, jsonSchema }) =>
			valibotAction.type === 'metadata'
				? { ...jsonSchema, ...(valibotAction as unknown as { metadata: JsonSchema }).metadata }
				: undefined,
	});
}

/** As it is committed. */
export function jsonSchemaText(): string {
	const { $schema, ...rest } = jsonSchema(configurationSchema);
	const whole = {
		$schema,
		title: 'encap-forward configuration',
		...rest,
		anyOf: ['tunnels', 'tunnelFiles', 'decapsulate'].map((member) => ({ required: [member] })),
	};
	return `${JSON.stringify(whole, undefined, '\t')}\n`;
}

/** As it is committed. */
export function snapshotSchemaText(): string {
	const { $schema, ...rest } = jsonSchema(snapshotSchema);
	return `${JSON.stringify({ $schema, title: 'encap-forward snapshot', ...rest }, undefined, '\t')}\n`;
}
