/** Runs tshark, the judge of bytes, over a capture. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every checksum verified; fragments and streams left as they are, so that each frame stands for itself. */
const preferences = [
	'ip.check_checksum:TRUE',
	'udp.check_checksum:TRUE',
	'tcp.check_checksum:TRUE',
	'ip.defragment:FALSE',
	'ipv6.defragment:FALSE',
	'ip.tso_support:FALSE',
	'tcp.analyze_sequence_numbers:FALSE',
	'tcp.desegment_tcp_streams:FALSE',
];

/** What a program writes to stdout, given the path of a file with the capture. */
export function runOnCapture(
	program: string,
	capture: Uint8Array,
	options: (path: string) => readonly string[],
): string {
	const folder = mkdtempSync(join(tmpdir(), 'packet-'));
	try {
		const path = join(folder, 'test.pcapng');
		writeFileSync(path, capture);
		return execFileSync(program, options(path), {
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'pipe'],
			maxBuffer: 1 << 28,
		});
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** For each frame and field, all its values in order, joined by commas; empty when the frame has none. */
export function tsharkFields<Name extends string>(
	capture: Uint8Array,
	names: readonly Name[],
): readonly Readonly<Record<Name, string>>[] {
	const output = runOnCapture('tshark', capture, (path) => [
		...['-n', '-r', path, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a'],
		...preferences.flatMap((preference) => ['-o', preference]),
		...names.flatMap((name) => ['-e', name]),
	]);
	return output
		.split('\n')
		.slice(0, -1)
		.map((line) => {
			const values = line.split('\t');
			return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as Record<
				Name,
				string
			>;
		});
}
