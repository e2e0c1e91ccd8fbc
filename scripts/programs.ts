/** The programs that only the tests need: the Debian package of each, and what is here of them. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clang } from './bpf.ts';

export type Program =
	| 'bash'
	| 'bpftool'
	| 'busybox'
	| 'capinfos'
	| 'fish'
	| 'editcap'
	| 'depmod'
	| 'curl'
	| 'ethtool'
	| 'ip'
	| 'iperf3'
	| 'lz4'
	| 'ping'
	| 'promtool'
	| 'qemu-system-x86_64'
	| 'systemd-analyze'
	| 'tcpdump'
	| 'tshark'
	| 'virtiofsd'
	| 'xz'
	| 'zsh'
	| 'zstd'
	| typeof clang.program
	| typeof clang.strip;

/** Debian package by program. */
export const packages: Readonly<Record<Program, string>> = {
	curl: 'curl',
	ethtool: 'ethtool',
	ip: 'iproute2',
	iperf3: 'iperf3',
	ping: 'iputils-ping',
	tcpdump: 'tcpdump',
	tshark: 'tshark',
	capinfos: 'wireshark-common',
	editcap: 'wireshark-common',
	promtool: 'prometheus',
	bpftool: 'bpftool',
	'qemu-system-x86_64': 'qemu-system-x86',
	virtiofsd: 'qemu-system-common',
	busybox: 'busybox-static',
	depmod: 'kmod',
	xz: 'xz-utils',
	zstd: 'zstd',
	lz4: 'lz4',
	bash: 'bash',
	zsh: 'zsh',
	fish: 'fish',
	'systemd-analyze': 'systemd',
	[clang.program]: 'clang-19',
	[clang.strip]: 'llvm-19',
};

/** Where `npm run setup` puts a program that it does not install in the system. */
export const ownPrograms: string = fileURLToPath(new URL('../.cache/bin', import.meta.url));

/** PATH with our own folder behind the system's, and where it has virtiofsd, which no PATH names. */
export const searchPath: string = [process.env.PATH ?? '', ownPrograms, '/usr/lib/qemu', '/usr/libexec'].join(
	delimiter,
);

/** The file that runs when this program is called, or undefined. */
export function findProgram(program: string): string | undefined {
	return searchPath
		.split(delimiter)
		.map((folder) => join(folder, program))
		.find((file) => {
			try {
				accessSync(file, constants.X_OK);
				return true;
			} catch {
				return false;
			}
		});
}

/** Whether it is the pinned clang: its output is compared byte by byte. Other programs may be of any version. */
export function isRightVersion(program: Program, file: string): boolean {
	if (program !== clang.program) return true;
	return execFileSync(file, ['--version'], { encoding: 'utf8' }).includes(clang.version);
}

/** A program as we speak of it, with the version that it must have. */
export function programName(program: Program): string {
	return program === clang.program ? `${program} ${clang.version}` : program;
}
