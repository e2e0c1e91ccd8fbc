/**
 * Two other kernels, each in a guest: the lab, and the kernel's own tunnels as peers. `npm run test:kernels`
 * tries more, on more kernels.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entries } from '../../scripts/kernels/entries.ts';
import { openKernels } from '../../scripts/kernels/kernels.ts';
import { type KernelRun, runKernel } from '../../scripts/kernels/run.ts';
import { requires } from '../needs.ts';

const series = ['6.1', '6.12'] as const;
const chosen = entries.filter(({ inGate }) => inGate);

const needed = requires('root', 'qemu-system-x86_64', 'virtiofsd', 'busybox', 'depmod', 'xz', 'zstd');
/** A guest that hangs is ended before, and says so. */
const timeout = 1_500_000;

describe('in a guest', needed, () => {
	const stop = new AbortController();
	const runs = new Map<string, Promise<KernelRun>>();

	// Side by side: each of them keeps little more than one processor busy.
	beforeAll(async () => {
		const kernels = await openKernels(console.warn, stop.signal);
		for (const each of series) {
			const run = kernels
				.prepare(each)
				.then((kernel) => runKernel(kernel, { entries: chosen, guests: 1, signal: stop.signal }));
			run.catch(() => {}); // the tests see it
			runs.set(each, run);
		}
	}, timeout);
	afterAll(async () => {
		stop.abort();
		await Promise.allSettled(runs.values());
	});

	describe.each(series)('of Linux %s', (each) => {
		test.each([...chosen.map(({ name }) => name), 'log'])('%s', { timeout }, async (name) => {
			const run = await runs.get(each);
			expect(run?.release.startsWith(`${each}.`)).toBe(true);
			const found = run?.runs.find((one) => one.name === name);
			expect(found?.failed).toEqual([]);
			// Debian's kernels have all that these need.
			expect(found?.skipped).toEqual([]);
			expect(found?.passed).toBeGreaterThanOrEqual({ lab: 288, peers: 24 }[name] ?? 1);
		});
	});
});
