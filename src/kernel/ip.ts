/** Runs iproute2's `ip` in the network namespace this thread is in: call inside `inNamespace`. */
import { spawnSync } from 'node:child_process';
import { EncapForwardError } from '../error.ts';

function run(options: readonly string[], input: string): string {
	const result = spawnSync('ip', options, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
	if (result.error !== undefined) {
		const missing = (result.error as NodeJS.ErrnoException).code === 'ENOENT';
		if (missing) {
			throw new EncapForwardError('EF_NO_TOOL', 'the program "ip" is not on the PATH; install iproute2');
		}
		throw new EncapForwardError('EF_TOOL_FAILED', `"ip" could not be run: ${result.error.message}`);
	}
	if (result.status !== 0) {
		throw failure(options, input, result.stderr);
	}
	return result.stdout;
}

function failure(options: readonly string[], input: string, stderr: string): EncapForwardError {
	const message = stderr.split('\n').find((line) => line.trim() !== '') ?? 'no message';
	// `ip -batch -` ends with "Command failed -:3": the line of its input.
	const line = Number(/Command failed -:(\d+)/.exec(stderr)?.[1]);
	const command = line > 0 ? (input.split('\n')[line - 1] ?? '') : options.join(' ');
	if (/Unknown device type|Operation not supported/.test(stderr) && / type veth/.test(command)) {
		return new EncapForwardError(
			'EF_KERNEL_FEATURE',
			'the running kernel has no veth devices; "modprobe veth" or a kernel with CONFIG_VETH brings them',
			{ detail: stderr },
		);
	}
	return new EncapForwardError('EF_TOOL_FAILED', `"ip ${command.trim()}" failed: ${message}`, {
		detail: stderr,
	});
}

/** Carry out commands such as `link set veth0 up`, all in one process; the first that fails ends it. */
export function ipBatch(commands: readonly string[]): void {
	if (commands.length > 0) run(['-batch', '-'], `${commands.join('\n')}\n`);
}

/** Carry out one command. */
export function ip(...command: readonly string[]): void {
	run(command, '');
}

/** What `ip -json …` shows. */
export function ipJson<T>(...command: readonly string[]): T {
	return parseIpJson(run(['-json', ...command], '')) as T;
}

/**
 * iproute2 shows what a route encapsulates in (`encap ip dst …`) as members of the route itself, so that `dst`
 * and others are there twice. The route's own `dst` comes first, its own `tos` is text: the others are renamed.
 */
export function parseIpJson(text: string): unknown {
	const repaired = text.replace(/"encap":"[^"]*"[^{}[\]]*/g, (members) =>
		members.replace(/,"(dst|src|id)":|,"(ttl|tos)":(?=\d)/g, ',"encap_$1$2":'),
	);
	return JSON.parse(repaired || '[]');
}
