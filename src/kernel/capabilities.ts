/** Whether this process may do what the real kernel engine does. */
import { existsSync, readFileSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

/** Bits of capabilities(7), and what we need each for. */
const needed = [
	{ name: 'CAP_SYS_ADMIN', bit: 21, why: 'network namespaces and tracing' },
	{ name: 'CAP_NET_ADMIN', bit: 12, why: 'devices, routes and attaching BPF programs' },
	{ name: 'CAP_NET_RAW', bit: 13, why: 'sending frames' },
] as const;

/** Refuse with the reason, before anything is touched, where the real kernel cannot be used. */
export function requireKernelAccess(): void {
	if (process.platform !== 'linux') {
		throw new EncapForwardError(
			'EF_NOT_LINUX',
			`this command tries packets on a running Linux kernel and this system is ${process.platform}; run it on Linux`,
		);
	}
	const missing = missingCapabilities();
	if (missing.length > 0) {
		const list = missing.map(({ name, why }) => `${name} (for ${why})`).join(', ');
		throw new EncapForwardError('EF_PERMISSION', `this command needs root: missing ${list}; run it as root`);
	}
	if (!existsSync('/proc/sys/net')) {
		throw new EncapForwardError('EF_KERNEL_FEATURE', '/proc/sys/net is missing; mount proc on /proc');
	}
}

/** Either is enough to load and attach tracing programs; what each is for stands in capabilities(7). */
const tracing = { CAP_SYS_ADMIN: 21, CAP_BPF: 39, CAP_PERFMON: 38 } as const;

/** The same for what only watches: it needs less. */
export function requireTracing(): void {
	if (process.platform !== 'linux') {
		throw new EncapForwardError(
			'EF_NOT_LINUX',
			`this command watches a running Linux kernel and this system is ${process.platform}; run it on Linux`,
		);
	}
	const effective = effectiveCapabilities();
	const has = (name: keyof typeof tracing): boolean => (effective & (1n << BigInt(tracing[name]))) !== 0n;
	if (has('CAP_SYS_ADMIN') || (has('CAP_BPF') && has('CAP_PERFMON'))) return;
	throw new EncapForwardError(
		'EF_PERMISSION',
		'watching the kernel needs CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON; run it as root',
	);
}

/** Whether this process may do all of that. */
export function hasKernelAccess(): boolean {
	return process.platform === 'linux' && missingCapabilities().length === 0;
}

function missingCapabilities(): (typeof needed)[number][] {
	const effective = effectiveCapabilities();
	return needed.filter(({ bit }) => (effective & (1n << BigInt(bit))) === 0n);
}

/** CapEff of proc(5), a bit for each. */
function effectiveCapabilities(): bigint {
	const status = readFileSync('/proc/self/status', 'utf8');
	return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
}
