/** `lab` on bad usage and in bad places: one clear line with a code, the right status, nothing on stdout. */
import {
	chmodSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { type Finished, run, shell } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function expectError(
	{ status, stdout, stderr }: Finished,
	expected: { status: number; code: string; says: RegExp },
): void {
	const [first = ''] = stderr.split('\n');
	expect(first).toMatch(new RegExp(`^encap-forward: .* \\[${expected.code}\\]$`));
	expect(first).toMatch(expected.says);
	expect(stdout).toBe('');
	expect(status).toBe(expected.status);
}

describe('usage', requires('root', 'ip'), () => {
	test.for([
		[['lab', '--hook', 'xpd'], /--hook takes xdp or tc, not "xpd"; did you mean xdp\?/],
		[['lab', '--source', 'locl'], /did you mean local\?/],
		[['lab', '--rp-filter', '3'], /--rp-filter takes 0, 1 or 2, not "3"/],
		[['lab', '--neighbor', 'known'], /no option --neighbor; did you mean --neighbour\?/],
		[['lab', 'pign'], /no command "pign"; did you mean ping\?/],
		[['lba'], /no command "lba"; did you mean lab\?/],
		[['lab', 'run', 'xdp'], /"xdp" is one argument too many/],
		[['lab', 'ping', '--count', '0'], /--count: "0" is not a number from 1 on/],
		[['lab', 'up', '--name', '../x'], /"\.\.\/x" cannot name a lab/],
	] as const)('%j', ([words, says]) => {
		expectError(run(words), { status: 2, code: 'EF_USAGE', says });
	});

	test('a lab by hand has one value of each option', () => {
		const result = run(['lab', 'up', '--hook', 'xdp', '--hook', 'tc']);
		expectError(result, {
			status: 2,
			code: 'EF_CONTRADICTION',
			says: /--hook is given with different values/,
		});
	});

	test('with --json an error is an object', () => {
		const { status, stderr, stdout } = run(['lab', '--json', '--hook', 'xpd']);
		expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'EF_USAGE' } });
		expect(stdout).toBe('');
		expect(status).toBe(2);
	});

	test('ping without a lab', () => {
		const result = run(['lab', 'ping', '--name', 'nobodys']);
		expectError(result, { status: 1, code: 'EF_NOT_UP', says: /lab up --name nobodys/ });
	});
});

describe('bad places', requires('root', 'ip'), () => {
	test('not root', () => {
		const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
		const result = run(['lab'], { before: nobody });
		expectError(result, { status: 1, code: 'EF_PERMISSION', says: /missing CAP_SYS_ADMIN .*run it as root/ });
	});

	test('root without one capability', () => {
		const result = run(['lab'], {
			before: ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw', '--'],
		});
		expectError(result, {
			status: 1,
			code: 'EF_PERMISSION',
			says: /missing CAP_NET_RAW \(for sending frames\)/,
		});
	});

	test('no libbpf', () => {
		const result = run(['lab'], { env: { ENCAP_FORWARD_LIBBPF: '/nonexistent/libbpf.so' } });
		expectError(result, { status: 1, code: 'EF_NO_LIBBPF', says: /install libbpf/ });
	});

	test('no BTF', () => {
		const hidden = [
			'unshare',
			'-m',
			'--',
			'sh',
			'-c',
			'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"',
		];
		expectError(run(['lab'], { before: hidden }), {
			status: 1,
			code: 'EF_NO_BTF',
			says: /CONFIG_DEBUG_INFO_BTF/,
		});
	});

	test('no ip', () => {
		const result = run(['lab'], { env: { PATH: folder } });
		expectError(result, { status: 1, code: 'EF_NO_TOOL', says: /install iproute2/ });
	});

	test('a kernel without veth', () => {
		// What iproute2 says on such a kernel.
		const stub = join(folder, 'ip');
		writeFileSync(
			stub,
			'#!/bin/sh\ncat >/dev/null\necho "Error: Unknown device type." >&2\necho "Command failed -:1" >&2\nexit 1\n',
		);
		chmodSync(stub, 0o755);
		const result = run(['lab'], { env: { PATH: `${folder}:${process.env.PATH}` } });
		rmSync(stub);
		expectError(result, { status: 1, code: 'EF_KERNEL_FEATURE', says: /no veth devices; "modprobe veth"/ });
	});

	test('no ping', () => {
		const name = `ef-noping-${process.pid}`;
		expect(run(['lab', 'up', '--name', name]).status).toBe(0);
		// All of the PATH but ping.
		const bin = join(folder, 'bin');
		shell(`mkdir -p ${bin}; for f in ip; do ln -sf "$(command -v $f)" ${bin}/; done`);
		const result = run(['lab', 'ping', '--name', name, '--count', '1'], { env: { PATH: bin } });
		run(['lab', 'down', '--name', name]);
		rmSync(bin, { recursive: true });
		expectError(result, { status: 1, code: 'EF_NO_TOOL', says: /install iputils-ping/ });
	});

	test('a bpffs that is missing or read-only: the lab needs none', () => {
		for (const mount of ['umount -a -t bpf; true', 'mount -t bpf -o ro none /sys/fs/bpf']) {
			const before = ['unshare', '-m', '--', 'sh', '-c', `${mount} && exec "$0" "$@"`];
			expect(run(['lab', '--forwarding', 'fib', '--expect', 'forwarded'], { before }).status).toBe(0);
		}
		expect(existsSync('/sys/fs/bpf/encap-forward')).toBe(false);
	});
});
