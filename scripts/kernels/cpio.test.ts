import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { requires } from '../../test/needs.ts';
import { cpio } from './cpio.ts';

test('busybox unpacks it', requires('busybox'), () => {
	const archive = cpio([
		{ path: 'folder' },
		{ path: 'folder/file', bytes: Buffer.from('12345') },
		{ path: 'empty', bytes: new Uint8Array() },
	]);
	const list = spawnSync('busybox', ['cpio', '-tv'], { input: archive, encoding: 'utf8' });
	expect(list.stdout.replace(/ 1970-\S+ \S+|\d{4}-\S+ \S+/g, '').split('\n')).toEqual([
		expect.stringMatching(/^drwxr-xr-x .*folder$/),
		expect.stringMatching(/^-rwxr-xr-x .* 5 .*folder\/file$/),
		expect.stringMatching(/^-rwxr-xr-x .* 0 .*empty$/),
		'',
	]);
	const file = spawnSync('busybox', ['cpio', '-i', '--to-stdout', 'folder/file'], { input: archive });
	expect(file.stdout.toString()).toBe('12345');
});
