import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { searchPath } from './scripts/programs.ts';
import { summaryReporter } from './test/reporter.ts';

const config: ViteUserConfig = defineConfig({
	test: {
		reporters: ['default', summaryReporter()],
		env: { PATH: searchPath },
		projects: [
			{
				// Unit tests leave nothing behind: they share their processes, which saves two thirds of the time.
				extends: true,
				test: {
					name: 'unit',
					include: ['{src,bench,scripts}/**/*.test.ts'],
					isolate: false,
					testTimeout: 30_000,
				},
			},
			{
				// Devices, namespaces and the kernel's tracer are one to a machine: one file at a time, after the rest.
				extends: true,
				test: {
					name: 'kernel',
					include: ['test/**/*.test.ts'],
					exclude: ['test/kernels/**'],
					pool: 'forks',
					fileParallelism: false,
					sequence: { groupOrder: 1 },
					testTimeout: 60_000,
					hookTimeout: 60_000,
				},
			},
			{
				// Boots other kernels in software emulation, which takes some four minutes: last.
				extends: true,
				test: {
					name: 'guests',
					include: ['test/kernels/**/*.test.ts'],
					pool: 'forks',
					fileParallelism: false,
					sequence: { groupOrder: 2 },
				},
			},
		],
	},
});

export default config;
