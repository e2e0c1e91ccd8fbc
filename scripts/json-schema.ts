/** The JSON Schema of the configuration, made from the schema that the parser uses. */
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { configurationSchema } from '../src/configuration/schema.ts';

/** Of the file, from this one's folder. */
export const jsonSchemaFile: URL = new URL('../schema/encap-forward.schema.json', import.meta.url);

/** As it is committed. */
export function jsonSchemaText(): string {
	const schema: JsonSchema = toJsonSchema(configurationSchema, {
		typeMode: 'input',
		target: 'draft-07',
		// A rule of our own: its metadata is what JSON Schema can say of it.
		ignoreActions: ['check'],
		overrideAction: ({ valibotAction, jsonSchema }) =>
			valibotAction.type === 'metadata'
				? { ...jsonSchema, ...(valibotAction as unknown as { metadata: JsonSchema }).metadata }
				: undefined,
	});
	const { $schema, ...rest } = schema;
	const whole = {
		$schema,
		title: 'encap-forward configuration',
		...rest,
		anyOf: ['tunnels', 'tunnelFiles', 'decapsulate'].map((member) => ({ required: [member] })),
	};
	return `${JSON.stringify(whole, undefined, '\t')}\n`;
}
