import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requires } from '../needs.ts';

const file = fileURLToPath(new URL('../../systemd/encap-forward.service', import.meta.url));

test('systemd has nothing to object to in the unit', requires('systemd-analyze'), () => {
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-unit-'));
	try {
		// Where the command is installed here, only that differs.
		const unit = readFileSync(file, 'utf8').replaceAll('/usr/local/bin/encap-forward', process.execPath);
		const path = join(folder, 'encap-forward.service');
		writeFileSync(path, unit);
		const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], {
			encoding: 'utf8',
		});
		const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('encap-forward'));
		expect([status, about]).toEqual([0, []]);
		writeFileSync(path, unit.replace('Type=oneshot', 'Type=onshot'));
		const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
		expect(wrong.stderr).toContain('onshot');
	} finally {
		rmSync(folder, { recursive: true });
	}
});
