/** What runs in a guest: an entry each. */
import { type Ended, type Result, readLab, readStatus, readTests } from './result.ts';

export interface Entry {
	readonly name: string;
	/** Sources that are bundled for it, from the root of the checkout. */
	readonly sources: readonly string[];
	/** Run in the root of the checkout; a source's bundle is at `$BUNDLE/a/b.mjs` for a/b.ts. */
	readonly command: string;
	/** Run before it: what it writes is why this kernel cannot run the entry. */
	readonly probe?: string;
	/** It is ended when it has taken so long. */
	readonly budgetSeconds: number;
	readonly read: (ended: Ended) => Result;
	/** Whether it is part of the gate, which has less time. */
	readonly inGate: boolean;
}

const runner = 'scripts/kernels/run-tests.ts';

/** Running programs on single frames. */
const testRun = {
	sources: ['scripts/kernels/probe-test-run.ts'],
	probe: 'node $BUNDLE/scripts/kernels/probe-test-run.mjs',
} as const;

/** Test files, of which those tests that a pattern matches. */
function tests(
	name: string,
	files: readonly string[],
	{
		pattern = '',
		budgetSeconds = 300,
		inGate = false,
		needs = undefined as Pick<Entry, 'sources' | 'probe'> | undefined,
	} = {},
): Entry {
	const bundles = files.map((file) => `$BUNDLE/${file.replace(/ts$/, 'mjs')}`);
	return {
		name,
		...needs,
		sources: [runner, ...files, ...(needs?.sources ?? [])],
		command: `node $BUNDLE/scripts/kernels/run-tests.mjs '${pattern}' ${bundles.join(' ')}`,
		budgetSeconds,
		read: readTests,
		inGate,
	};
}

export const entries: readonly Entry[] = [
	{
		name: 'lab',
		sources: ['src/cli/main.ts'],
		command: 'node $BUNDLE/src/cli/main.mjs lab --json',
		budgetSeconds: 300,
		read: readLab,
		inGate: true,
	},
	tests('peers', ['test/peers/peers.test.ts'], { inGate: true }),
	tests('bytes', ['test/datapath/bytes.test.ts'], {
		pattern: 'remembered|next hop|longer',
		needs: testRun,
	}),
	tests('kinds', ['test/datapath/kinds.test.ts'], { pattern: 'through the engine .* in ipv' }),
	tests('outcomes', ['test/datapath/outcomes.test.ts']),
	tests('decapsulation', ['test/datapath/decapsulation.test.ts'], {
		pattern: '^.*(ip|gue|vxlan), ipv. in ipv.: the packet goes on',
		needs: testRun,
	}),
	tests('forwarder', ['test/forwarder/lifecycle.test.ts'], {
		pattern: '^(?!.*killing)',
		needs: { sources: ['src/cli/main.ts'] },
	}),
	tests('model', ['test/engines/model/versions.test.ts']),
	tests('trace', ['test/trace/drops.test.ts'], { budgetSeconds: 600 }),
	tests('kernel', ['test/kernel/btf.test.ts', 'test/kernel/symbols.test.ts']),
	{
		name: 'differential',
		sources: ['test/differential/main.ts'],
		command: 'node $BUNDLE/test/differential/main.mjs --seed 1 --count 40',
		budgetSeconds: 240,
		read: readStatus,
		inGate: false,
	},
	{
		name: 'fuzz',
		...testRun,
		sources: ['test/fuzz/main.ts', ...testRun.sources],
		command: 'node $BUNDLE/test/fuzz/main.mjs --seed 1 --frames 20000',
		budgetSeconds: 180,
		read: readStatus,
		inGate: false,
	},
];
