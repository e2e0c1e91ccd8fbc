/**
 * Debian's kernel packages, by apt-get with lists of its own: the system's sources and packages are neither
 * asked nor changed. apt-get checks the archive's signature, by the keys of debian-archive-keyring.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EncapForwardError } from '../../src/error.ts';
import { runTool } from './tool.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Suites that hold the kernels: 5.10; 6.1 and 6.12; 6.16 and all that are newer. */
const suites = [
	['http://deb.debian.org/debian-security', 'bullseye-security'],
	['http://deb.debian.org/debian-security', 'bookworm-security'],
	['http://deb.debian.org/debian', 'trixie-backports'],
] as const;

export interface Archive {
	/** Every package name that looks like a kernel's. */
	names(): Promise<readonly string[]>;
	/** Put these packages' files into a folder. @throws EF_TOOL_FAILED such as for one that has gone */
	download(packages: readonly string[], folder: string): Promise<void>;
}

/**
 * Open the archive, with its lists in `folder`. They are brought up to date; where that fails, such as
 * without a network, `warn` is told and those of the last time serve.
 * @throws EF_NO_TOOL, EF_FILE without the keys, EF_TOOL_FAILED without any lists
 */
export async function openArchive(
	folder: string,
	warn: (text: string) => void,
	signal: AbortSignal,
): Promise<Archive> {
	if (!existsSync(keyring)) {
		throw new EncapForwardError('EF_FILE', `${keyring} is missing; install debian-archive-keyring`);
	}
	for (const each of ['lists/partial', 'cache/archives/partial']) {
		mkdirSync(join(folder, each), { recursive: true });
	}
	const sources = join(folder, 'sources.list');
	const lines = suites.map(([at, suite]) => `deb [arch=amd64 signed-by=${keyring}] ${at} ${suite} main\n`);
	writeFileSync(sources, lines.join(''));
	const options = [
		`Dir::Etc::sourcelist=${sources}`,
		'Dir::Etc::sourceparts=-',
		`Dir::State::lists=${join(folder, 'lists')}`,
		`Dir::Cache=${join(folder, 'cache')}`,
		'Acquire::Languages=none',
		'APT::Architecture=amd64',
		'APT::Sandbox::User=root',
		'APT::Update::Error-Mode=any',
	].flatMap((option) => ['-o', option]);
	try {
		await runTool('apt-get', [...options, 'update'], { signal });
	} catch (error) {
		const hasLists = readdirSync(join(folder, 'lists')).some((name) => name.includes('_Packages'));
		if (!hasLists || !(error instanceof EncapForwardError) || error.code !== 'EF_TOOL_FAILED') throw error;
		warn(`the lists of Debian's packages are those of the last time: ${error.message}`);
	}
	return {
		names: async () => {
			const found = await runTool('apt-cache', [...options, 'pkgnames', 'linux-'], { signal });
			return new TextDecoder().decode(found).split('\n');
		},
		download: async (packages, target) => {
			await runTool('apt-get', [...options, 'download', ...packages], { folder: target, signal });
		},
	};
}
