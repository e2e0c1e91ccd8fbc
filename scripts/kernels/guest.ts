/**
 * A kernel booted in qemu's software emulation, with the host's files to be read and a folder to be shared.
 * qemu and the two virtiofsd that serve the files end with this process, however it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EncapForwardError } from '../../src/error.ts';
import { initrd } from './initrd.ts';
import type { Kernel } from './prepare.ts';
import { programFile } from './tool.ts';

export interface GuestOptions {
	/** Its own: the sockets and the console's output are made there. */
	readonly folder: string;
	/** The folder that it shares with the host, to be written to. */
	readonly shared: string;
	/** What process 1 does: a shell script, run in the host's file system. */
	readonly command: string;
	/** When the guest is taken for one that hangs. */
	readonly timeoutSeconds: number;
	readonly signal: AbortSignal;
}

/** How a guest ended: it was switched off, or it was ended because it took too long. */
export type GuestEnd = 'off' | 'timeout';

const memory = '2048M';

const parameters = [
	'console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on',
	'rcupdate.rcu_expedited=1 net.ifnames=0',
].join(' ');

/** The words of a program that is killed when this thread ends (prctl(2), PR_SET_PDEATHSIG). */
function bound(...words: readonly string[]): readonly string[] {
	return ['--pdeathsig', 'KILL', '--', ...words];
}

/**
 * A mount namespace for virtiofsd: /run is its own, for it leaves a lock there; in /run/root is the host's
 * root, whose file system is read-only there whatever the guest does.
 */
const enclosure = [
	'mount -t tmpfs run /run',
	'mkdir /run/root',
	'mount --rbind / /run/root',
	'mount -o remount,bind,ro /run/root',
	'exec "$@"',
].join(' && ');

/** Serve a folder to the guest by a socket: resolves when it can be connected to. */
async function serve(
	source: string,
	socket: string,
	cache: string,
	signal: AbortSignal,
): Promise<ChildProcess> {
	const options = `source=${source},cache=${cache},sandbox=chroot`;
	const server = [programFile('virtiofsd'), `--socket-path=${socket}`, '-o', options];
	const words = ['unshare', '--mount', 'sh', '-c', enclosure, 'sh', ...server];
	const child = spawn('setpriv', bound(...words), { stdio: ['ignore', 'ignore', 'pipe'], signal });
	child.on('error', () => {}); // its end says it
	let said = '';
	child.stderr.setEncoding('utf8');
	await new Promise<void>((resolve, reject) => {
		child.stderr.on('data', (chunk: string) => {
			said += chunk;
			if (said.includes('Waiting for vhost-user socket connection')) resolve();
		});
		child.on('close', () => {
			const last = said.trim().split('\n').at(-1) ?? '';
			reject(new EncapForwardError('EF_TOOL_FAILED', `virtiofsd cannot serve ${source}: ${last}`));
		});
	});
	return child;
}

/** Run a guest to its end. @throws EF_NO_TOOL, EF_TOOL_FAILED; an AbortError on `signal` */
export async function runGuest(kernel: Kernel, options: GuestOptions): Promise<GuestEnd> {
	const { folder, shared, command, timeoutSeconds, signal } = options;
	const [rootSocket, sharedSocket] = [join(folder, 'root.socket'), join(folder, 'shared.socket')];
	writeFileSync(join(folder, 'initrd'), initrd(kernel, command));
	const emulator = programFile('qemu-system-x86_64');
	const servers: ChildProcess[] = [];
	try {
		servers.push(await serve('/run/root', rootSocket, 'always', signal));
		servers.push(await serve(shared, sharedSocket, 'auto', signal));
		const words = [
			...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
			...['-machine', 'q35,memory-backend=memory', '-accel', 'tcg,thread=multi,tb-size=512'],
			...['-cpu', 'max,la57=off', '-smp', '2', '-m', memory],
			...['-object', `memory-backend-memfd,id=memory,size=${memory},share=on`],
			...['root', 'shared'].flatMap((tag) => [
				...['-chardev', `socket,id=${tag},path=${join(folder, `${tag}.socket`)}`],
				...['-device', `vhost-user-fs-pci,chardev=${tag},tag=${tag},queue-size=1024`],
			]),
			...['-kernel', kernel.vmlinux, '-initrd', join(folder, 'initrd'), '-append', parameters],
			...['-serial', `file:${join(folder, 'console')}`],
		];
		const guest = spawn('setpriv', bound(emulator, ...words), { stdio: ['ignore', 'ignore', 'pipe'] });
		let said = '';
		guest.stderr.setEncoding('utf8').on('data', (chunk: string) => {
			said += chunk;
		});
		const kill = (): void => void guest.kill('SIGKILL');
		let end: GuestEnd = 'off';
		const timer = setTimeout(() => {
			end = 'timeout';
			kill();
		}, timeoutSeconds * 1000);
		signal.addEventListener('abort', kill);
		try {
			const [status] = (await once(guest, 'close')) as [number | null];
			signal.throwIfAborted();
			if (end === 'off' && status !== 0) {
				throw new EncapForwardError('EF_TOOL_FAILED', `qemu ended with ${status}: ${said.trim()}`);
			}
			return end;
		} finally {
			clearTimeout(timer);
			signal.removeEventListener('abort', kill);
		}
	} finally {
		for (const server of servers) server.kill('SIGKILL');
	}
}

/** The last lines on the guest's console that are not empty, and before them why the kernel panicked if it did. */
export function consoleTail(folder: string, lines: number): readonly string[] {
	let text = '';
	try {
		text = readFileSync(join(folder, 'console'), 'utf8');
	} catch {
		// It did not come as far as a console.
	}
	const said = text.split(/\r?\n/).filter((line) => line.trim() !== '');
	const tail = said.slice(-lines);
	const panic = said.slice(0, -lines).find((line) => line.includes('Kernel panic'));
	return panic === undefined ? tail : [panic, ...tail];
}
