/** The guest's first steps: from the kernel to a shell in the host's file system. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EncapForwardError } from '../../src/error.ts';
import { type CpioEntry, cpio } from './cpio.ts';
import type { Kernel } from './prepare.ts';
import { programFile } from './tool.ts';

/** Where in the guest the folder is that it shares with the host, to be written to. */
export const sharedFolder = '/run/shared';

/** The modules without which the host's files cannot be reached, and one for an overlay on them. */
const wanted = ['virtio_pci', 'virtiofs', 'overlay'];

/** The file of each module by its name, and those of what it needs: modules.dep(5), modules.builtin(5). */
function readDependencies(modules: string): ReadonlyMap<string, readonly string[]> {
	const read = (name: string): string[] => readFileSync(join(modules, name), 'utf8').trim().split('\n');
	const nameOf = (file: string): string => basename(file, '.ko').replaceAll('-', '_');
	return new Map([
		...read('modules.builtin').map((file): [string, string[]] => [nameOf(file), []]),
		...read('modules.dep').map((line): [string, string[]] => {
			const [file = '', needs = ''] = line.split(':');
			// What is needed first stands last.
			return [nameOf(file), [file, ...needs.split(' ').filter((each) => each !== '')].toReversed()];
		}),
	]);
}

/** Module files in the order to load them. @throws EF_KERNEL_FEATURE if the kernel has no such module */
function moduleFiles({ modules, release }: Kernel): readonly string[] {
	const dependencies = readDependencies(modules);
	const files = wanted.flatMap((name) => {
		const found = dependencies.get(name);
		if (found !== undefined) return found;
		throw new EncapForwardError('EF_KERNEL_FEATURE', `the kernel ${release} has no module ${name}`);
	});
	return [...new Set(files)];
}

/**
 * The script that the kernel runs first. The host's root is mounted read-only below a tmpfs that takes what
 * is written; then the shell of that root runs the command as process 1, so that the kernel, too, finds its
 * modprobe there.
 */
function firstSteps(kernel: Kernel, modules: readonly string[]): string {
	const root = '/root';
	return `#!/busybox sh
export PATH=/
fail() {
	echo "encap-forward: the guest cannot $1"
	busybox poweroff -f
}
mount() {
	busybox mkdir -p "$4"
	busybox mount -t "$1" $2 "$3" "$4" || fail "mount $3"
}
mount proc '' proc /proc
mount devtmpfs '' dev /dev
exec >/dev/console 2>&1
for module in ${modules.map((file) => basename(file)).join(' ')}; do
	busybox insmod "/$module" || fail "load $module"
done
mount virtiofs '-o ro' root /lower
mount tmpfs '' upper /upper
busybox mkdir /upper/files /upper/work
mount overlay '-o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work' overlay ${root}
mount proc '' proc ${root}/proc
mount sysfs '' sys ${root}/sys
mount devtmpfs '' dev ${root}/dev
mount devpts '' devpts ${root}/dev/pts
mount tmpfs '' shm ${root}/dev/shm
mount tmpfs '' run ${root}/run
mount virtiofs '' shared ${root}${sharedFolder}
for each in 'bpf /sys/fs/bpf' 'tracefs /sys/kernel/tracing' 'cgroup2 /sys/fs/cgroup'; do
	busybox mount -t \${each% *} none ${root}\${each#* } || fail "mount \${each#* }"
done
busybox mkdir -p ${root}/lib/modules
busybox ln -sfn ${kernel.modules} ${root}/lib/modules/${kernel.release}
busybox ip link set lo up
busybox cp /command ${root}/run/command
exec /busybox env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root /busybox chroot ${root} /bin/sh /run/command
`;
}

/** @param command What process 1 does: a shell script. @throws EF_NO_TOOL, EF_KERNEL_FEATURE */
export function initrd(kernel: Kernel, command: string): Uint8Array {
	const modules = moduleFiles(kernel);
	const files: readonly CpioEntry[] = [
		{ path: 'busybox', bytes: readFileSync(programFile('busybox')) },
		{ path: 'init', bytes: Buffer.from(firstSteps(kernel, modules)) },
		{ path: 'command', bytes: Buffer.from(command) },
		...modules.map((file) => ({ path: basename(file), bytes: readFileSync(join(kernel.modules, file)) })),
	];
	return cpio([{ path: 'dev' }, { path: 'proc' }, ...files]);
}
