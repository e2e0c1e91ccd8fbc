/** The command in places that lack something: one clear line that names what provides it, and nothing done. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../scripts/programs.ts';
import { requires } from '../needs.ts';
import { type Ended, errorCode, runCommand, runUnder, uniqueName } from '../support/command.ts';

/** As another user, with no capability at all. */
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];

/** In a mount namespace of its own where something was done before. */
function mounted(work: string): string[] {
	return ['unshare', '-m', '--', 'sh', '-c', `${work}; exec "$0" "$@"`];
}

function expectFailure(run: Ended, code: string, says: RegExp): void {
	expect([run.status, errorCode(run)]).toEqual([1, code]);
	expect(run.stderr).toMatch(says);
}

/** By the running kernel alone: without these words the model would do. */
const lab = ['lab', '--engine', 'linux'] as const;

describe('places', requires('root', 'ip'), () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'places-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	/** A folder for the PATH with one program in it. */
	function pathWith(name: string, make: (path: string) => void): string {
		const bin = mkdtempSync(join(folder, 'bin-'));
		make(join(bin, name));
		return bin;
	}

	test.each([[...lab], ['lab', 'up'], ['lab', 'ping'], ['lab', 'down']])(
		'not root: %s %s',
		async (...words) => {
			const options = words.filter((word) => word !== undefined);
			const names = /missing CAP_SYS_ADMIN .*CAP_NET_ADMIN .*CAP_NET_RAW .*; run it as root/;
			expectFailure(await runUnder(nobody, options), 'EF_PERMISSION', names);
		},
	);

	test.each(['sys_admin', 'net_admin', 'net_raw'])('root without CAP_%s', async (name) => {
		const without = ['setpriv', '--bounding-set', `-${name}`, '--inh-caps', `-${name}`, '--'];
		const only = new RegExp(`missing CAP_${name.toUpperCase()} \\([^)]*\\); run it as root`);
		expectFailure(await runUnder(without, lab), 'EF_PERMISSION', only);
	});

	test('no libbpf', async () => {
		const env = { ...process.env, ENCAP_FORWARD_LIBBPF: '/nonexistent/libbpf.so' };
		expectFailure(await runCommand(lab, { env }), 'EF_NO_LIBBPF', /install libbpf/);
		const asJson = await runCommand([...lab, '--json'], { env });
		expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'EF_NO_LIBBPF' } });
		expect([asJson.status, asJson.stdout]).toEqual([1, '']);
	});

	test('no BTF', async () => {
		const hidden = mounted('mount -t tmpfs none /sys/kernel/btf');
		expectFailure(await runUnder(hidden, lab), 'EF_NO_BTF', /CONFIG_DEBUG_INFO_BTF=y/);
	});

	test('no ip', async () => {
		const env = { ...process.env, PATH: folder };
		const run = await runCommand(['lab', 'up', '--name', uniqueName()], { env });
		expectFailure(run, 'EF_NO_TOOL', /"ip" .*install iproute2/);
	});

	test('no ping', async () => {
		const name = uniqueName();
		const bin = pathWith('ip', (path) => symlinkSync(findProgram('ip') ?? '', path));
		try {
			expect((await runCommand(['lab', 'up', '--name', name])).status).toBe(0);
			const env = { ...process.env, PATH: bin };
			const run = await runCommand(['lab', 'ping', '--name', name, '--count', '1'], { env });
			expectFailure(run, 'EF_NO_TOOL', /"ping" .*install iputils-ping/);
		} finally {
			await runCommand(['lab', 'down', '--name', name]);
		}
	});

	test.each([
		['missing', 'umount -l -a -t bpf'],
		['read-only', 'mount -t bpf -o ro none /sys/fs/bpf'],
	])('a bpffs that is %s: the lab needs none', async (_, work) => {
		const run = await runUnder(mounted(work), ['lab', '--forwarding', 'fib', '--expect', 'forwarded']);
		expect(run).toMatchObject({ status: 0, stderr: '' });
		expect(existsSync('/sys/fs/bpf/encap-forward')).toBe(false);
	});

	test('no place for the note of a lab by hand', async () => {
		mkdirSync(join(folder, 'empty'));
		const readOnly = mounted(`mount --bind ${join(folder, 'empty')} /run && mount -o remount,ro,bind /run`);
		const run = await runUnder(readOnly, ['lab', 'up', '--name', uniqueName()]);
		expectFailure(run, 'EF_FILE', /cannot write \/run\/encap-forward\//);
	});

	test('no /proc/sys/net', async () => {
		const hidden = mounted('mount -t tmpfs none /proc/sys');
		expectFailure(await runUnder(hidden, lab), 'EF_KERNEL_FEATURE', /mount proc on \/proc/);
	});
});
