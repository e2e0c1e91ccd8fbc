/** Which of the devices that a trace asks for there are not: a name that was mistaken would be waited for in vain. */
import { libc } from '../kernel/libc.ts';
import { closeNamespace, inNamespace, openNamespace } from '../kernel/namespace.ts';
import { findNamespace, listNamespaces } from './namespaces.ts';

/**
 * Those that none of the namespaces has; none where one of them cannot be found or entered.
 * @param namespaces names as `findNamespace` takes them; none for all that can be found
 * @throws EF_USAGE
 */
export function missingDevices(devices: readonly string[], namespaces: readonly string[]): readonly string[] {
	if (devices.length === 0) return [];
	const wanted = namespaces.map(findNamespace);
	const known = listNamespaces();
	if (wanted.some((inode) => !known.has(inode))) return [];
	const missing = new Set(devices);
	try {
		for (const [inode, { path }] of known) {
			if (path === undefined || (wanted.length > 0 && !wanted.includes(inode))) continue;
			const namespace = openNamespace(path);
			try {
				const here = inNamespace(namespace, () =>
					devices.filter((name) => libc().if_nametoindex(name) !== 0),
				);
				for (const name of here) missing.delete(name);
			} finally {
				closeNamespace(namespace);
			}
		}
	} catch {
		return [];
	}
	return [...missing];
}
