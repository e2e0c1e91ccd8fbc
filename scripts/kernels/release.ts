/** Which of Debian's kernel packages are the newest of a series. Pure: names in, names out. */

/** The kernels that `npm run test:kernels` tries where none are named. */
export const defaultKernels: readonly string[] = ['5.10', '6.1', '6.12', '6.18', 'newest'];

export interface Release {
	/** What `uname -r` says: 6.12.117+deb12-cloud-amd64. */
	readonly name: string;
	/** The packages that hold it: one, or from Linux 7 on three that share it. */
	readonly packages: readonly string[];
}

/** Backports to an older Debian of what its successor has (0.deb11.56) leave the release's own name to the latter. */
const pattern = /^linux-(?:base|binary|image|modules)-(\d+\.\d+(?:\.\d+)?(?:-\d+|\+\w+)-cloud-amd64)$/;

const numbers = new Intl.Collator('en', { numeric: true });

function seriesOf(release: string): string {
	return /^\d+\.\d+/.exec(release)?.[0] ?? '';
}

/** All releases among these package names, oldest first. */
function releases(names: readonly string[]): readonly Release[] {
	const packages = new Map<string, string[]>();
	for (const name of names) {
		const release = pattern.exec(name)?.[1];
		if (release !== undefined) packages.set(release, [...(packages.get(release) ?? []), name]);
	}
	return [...packages]
		.map(([name, list]) => ({ name, packages: list.toSorted() }))
		.toSorted((a, b) => numbers.compare(a.name, b.name));
}

/** The newest release of a series such as 6.12, or of all with `newest`; undefined if there is none. */
export function newestRelease(names: readonly string[], series: string): Release | undefined {
	return releases(names).findLast(({ name }) => series === 'newest' || seriesOf(name) === series);
}

/** The series there are, oldest first. */
export function seriesAmong(names: readonly string[]): readonly string[] {
	return [...new Set(releases(names).map(({ name }) => seriesOf(name)))];
}
