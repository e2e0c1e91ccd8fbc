/** From a file's text to a snapshot that is whole and does not contradict itself. */
import * as v from 'valibot';
import { EncapForwardError } from '../error.ts';
import { snapshotContradiction } from './contradiction.ts';
import { type Snapshot, snapshotVersion } from './snapshot.ts';
import { snapshotSchema } from './snapshot-schema.ts';

/**
 * @param file as messages name it
 * @throws EF_SNAPSHOT with the first mistake and its place
 */
export function parseSnapshot(text: string, file: string): Snapshot {
	const refusal = (what: string): EncapForwardError =>
		new EncapForwardError('EF_SNAPSHOT', `${file}: ${what}`);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause);
		throw refusal(`this is not JSON (${why}); give a file that "encap-forward snapshot" wrote`);
	}
	const version = typeof value === 'object' && value !== null ? (value as { version?: unknown }).version : 0;
	if (typeof version === 'number' && version > snapshotVersion) {
		throw refusal(
			`it is of version ${version} and this encap-forward reads ${snapshotVersion}; take the snapshot with this one, or use a newer one`,
		);
	}
	const result = v.safeParse(snapshotSchema, value, { abortEarly: true });
	if (!result.success) throw refusal(schemaProblem(result.issues[0]));
	const contradiction = snapshotContradiction(result.output);
	if (contradiction !== undefined) throw refusal(contradiction);
	return result.output;
}

function schemaProblem(issue: v.BaseIssue<unknown>): string {
	const place = (issue.path ?? []).reduce((path, { key }) => joinKey(path, key), '');
	const where = place === '' ? '' : `${place}: `;
	if (issue.received === 'undefined') {
		return `${where}it is missing; take the snapshot again, or add what the host has`;
	}
	if (issue.type === 'strict_object' && issue.expected === 'never') {
		return `${where}a snapshot has no such member; remove it`;
	}
	return `${where}${issue.received} stands where ${issue.message} is expected`;
}

function joinKey(path: string, key: unknown): string {
	if (typeof key === 'number') return `${path}[${key}]`;
	return path === '' ? String(key) : `${path}.${String(key)}`;
}
