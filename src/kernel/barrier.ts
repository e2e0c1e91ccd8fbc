/** Waiting for what runs in the kernel. */
import { libc } from './libc.ts';

/** MEMBARRIER_CMD_GLOBAL */
const global = 1;
/** The number of membarrier(2) by Node's name of the architecture. */
const numbers: Readonly<Record<string, number>> = { x64: 324, arm64: 283, riscv64: 283, loong64: 283 };

/** Much longer than a program takes, where the kernel does not tell. */
const patienceMilliseconds = 20;

/**
 * Return when every BPF program has ended that ran on a packet when this was called. membarrier(2) waits for
 * an RCU grace period (sys_membarrier, synchronize_rcu), and such programs run within a read-side section. A
 * kernel with processors in full dynticks mode refuses it: there, time passes.
 */
export function waitForPrograms(): void {
	const number = numbers[process.arch];
	if (number !== undefined && libc().syscall(number, global, 0, 0) === 0) return;
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patienceMilliseconds);
}
