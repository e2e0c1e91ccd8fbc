/** Tests and commands made one file each: a guest is slow at finding, reading and compiling many small ones. */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `import.meta.url` says stays the source's: files are found from there. */
const places: Plugin = {
	name: 'places',
	setup: ({ onLoad }) => {
		onLoad({ filter: /\.ts$/ }, ({ path }) => ({
			contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', `'${pathToFileURL(path)}'`),
			loader: 'ts',
		}));
	},
};

/**
 * Bundle these sources, paths from the root of the checkout, into a folder: a.test.ts becomes a.test.mjs in
 * the same place below it. What they share is shared. Tests get vitest.ts of this folder for vitest.
 */
export async function bundle(sources: readonly string[], folder: string): Promise<void> {
	if (sources.length === 0) return;
	await build({
		absWorkingDir: root,
		entryPoints: [...sources],
		outdir: folder,
		outbase: root,
		outExtension: { '.js': '.mjs' },
		alias: { vitest: './scripts/kernels/vitest.ts' },
		// What is native is found from its source, see `places`; what is CommonJS wants a require.
		external: ['koffi'],
		banner: {
			js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire('${import.meta.url}');`,
		},
		plugins: [places],
		bundle: true,
		splitting: true,
		format: 'esm',
		platform: 'node',
		target: 'node20',
		logLevel: 'error',
	});
}
