/**
 * `npm run differential -- [--seed N] [--count N] [--from N] [--scenario FILE]`: random scenarios through the
 * kernel and through the model of it. A disagreement is shrunk and printed with both journeys and as JSON for
 * `--scenario`. As root. Exit status 1 if there is any.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
	compare,
	type Disagreement,
	type Engines,
	openEngines,
	runDifferential,
	shrinkDisagreement,
} from './differential.ts';
import { parseScenario } from './scenario-json.ts';
import { disagreementText } from './text.ts';

const { values } = parseArgs({
	options: {
		seed: { type: 'string' },
		count: { type: 'string' },
		from: { type: 'string' },
		scenario: { type: 'string' },
	},
});

/** A number that the command line gives, or the default. */
function numberOf(name: 'seed' | 'count' | 'from', otherwise: number): number {
	const text = values[name];
	if (text === undefined) return otherwise;
	if (/^\d+$/.test(text)) return Number(text);
	throw new Error(`--${name} ${text} is not a number`);
}

async function show(engines: Engines, found: Disagreement): Promise<void> {
	console.log(disagreementText(await shrinkDisagreement(engines, found)));
}

async function one(engines: Engines, file: string): Promise<number> {
	const found = await compare(engines, parseScenario(readFileSync(file, 'utf8')));
	if (found === undefined) console.log(`${file}: both agree`);
	else await show(engines, found);
	return found === undefined ? 0 : 1;
}

async function many(engines: Engines): Promise<number> {
	const seed = numberOf('seed', Date.now() % 2 ** 32);
	const count = numberOf('count', 1000);
	const from = numberOf('from', 0);
	console.log(`seed ${seed}, ${count} scenarios from ${from}, kernel ${engines.linux.kernel}`);
	const run = await runDifferential(engines, {
		seed,
		count,
		from,
		onScenario: (scenarios) => {
			if (process.stderr.isTTY && scenarios % 100 === 0) process.stderr.write(`\r${scenarios}`);
		},
		onDisagreement: async (found) => {
			console.log(`\nseed ${seed}, number ${found.number}:`);
			await show(engines, found);
		},
	});
	if (process.stderr.isTTY) process.stderr.write('\r');
	for (const { number, message } of run.refused) console.log(`number ${number} was refused: ${message}`);
	const { scenarios, seconds, disagreements, expected, refused } = run;
	console.log(
		`${scenarios} scenarios in ${seconds.toFixed(1)} s: ${disagreements.length} disagreements, ${expected} expected ones, ${refused.length} refused`,
	);
	return disagreements.length + refused.length === 0 ? 0 : 1;
}

const engines = openEngines();
try {
	process.exitCode = await (values.scenario === undefined ? many(engines) : one(engines, values.scenario));
} finally {
	engines.close();
}
