/** A kernel ready to boot: its package downloaded and unpacked, and kept for the next time. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EncapForwardError } from '../../src/error.ts';
import type { Archive } from './apt.ts';
import { cacheFolder, workFolder } from './places.ts';
import { newestRelease, type Release, seriesAmong } from './release.ts';
import { programFile, runTool } from './tool.ts';
import { vmlinuxOf } from './vmlinux.ts';

export interface Kernel {
	/** As `uname -r` says. */
	readonly release: string;
	/** The kernel's ELF file. */
	readonly vmlinux: string;
	/** The folder that is to be /lib/modules/RELEASE. */
	readonly modules: string;
}

/**
 * The newest kernel of a series such as 6.12, or of all with `newest`. Of a series one is kept.
 * @throws EF_USAGE if there is no such series; EF_NO_TOOL, EF_TOOL_FAILED
 */
export async function prepareKernel(archive: Archive, series: string, signal: AbortSignal): Promise<Kernel> {
	const names = await archive.names();
	const release = newestRelease(names, series);
	if (release === undefined) {
		const known = ['newest', ...seriesAmong(names)].join(', ');
		throw new EncapForwardError('EF_USAGE', `Debian has no kernel "${series}"; it has: ${known}`);
	}
	const folder = join(cacheFolder(), release.name);
	if (!existsSync(folder)) {
		await fill(archive, release, folder, signal);
		for (const name of readdirSync(cacheFolder())) {
			// Not the archive's lists, nor another series.
			const older = name !== release.name && newestRelease([`linux-image-${name}`], seriesOf(release.name));
			if (older) rmSync(join(cacheFolder(), name), { recursive: true });
		}
	}
	return { release: release.name, vmlinux: join(folder, 'vmlinux'), modules: join(folder, 'modules') };
}

function seriesOf(release: string): string {
	return release.split('.', 2).join('.');
}

/** Make the folder in another place first: what has its name is whole. */
async function fill(archive: Archive, release: Release, folder: string, signal: AbortSignal): Promise<void> {
	const work = workFolder(cacheFolder());
	try {
		const [packages, content, ready] = ['packages', 'content', 'ready'].map((name) => join(work, name)) as [
			string,
			string,
			string,
		];
		for (const each of [packages, content, ready]) mkdirSync(each);
		await archive.download(release.packages, packages);
		for (const file of readdirSync(packages)) {
			await runTool('dpkg-deb', ['--extract', join(packages, file), content], { signal });
		}
		const [image] = [
			join(content, 'boot', `vmlinuz-${release.name}`),
			join(content, 'usr/lib/modules', release.name, 'vmlinuz'),
		].filter((file) => existsSync(file));
		const [modules] = ['lib/modules', 'usr/lib/modules']
			.map((path) => join(content, path, release.name))
			.filter((path) => existsSync(path));
		if (image === undefined || modules === undefined) {
			throw new EncapForwardError(
				'EF_TOOL_FAILED',
				`Debian's packages ${release.packages.join(', ')} hold no kernel where it is looked for`,
			);
		}
		writeFileSync(join(ready, 'vmlinux'), vmlinuxOf(readFileSync(image)));
		await decompress(modules, signal);
		// depmod wants them below lib/modules.
		const base = join(work, 'base');
		mkdirSync(join(base, 'lib/modules'), { recursive: true });
		renameSync(modules, join(base, 'lib/modules', release.name));
		await runTool(programFile('depmod'), ['-b', base, release.name], { signal });
		renameSync(join(base, 'lib/modules', release.name), join(ready, 'modules'));
		if (!existsSync(folder)) renameSync(ready, folder);
	} finally {
		rmSync(work, { recursive: true });
	}
}

/** A guest is slow at it, and its first steps have no program for it. */
async function decompress(modules: string, signal: AbortSignal): Promise<void> {
	const files = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter((file) =>
		file.endsWith('.ko.xz'),
	);
	if (files.length > 0) await runTool(programFile('xz'), ['-d', ...files], { folder: modules, signal });
}
