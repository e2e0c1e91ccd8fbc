/** A disagreement for people: both journeys, and the scenario as JSON that can be run again. */
import type { Journey } from '../../src/journey/journey.ts';
import { sightingLine } from '../../src/journey/text.ts';
import { summarize } from '../../src/packet/dissect.ts';
import { outcomeText } from './compare.ts';
import type { Disagreement } from './differential.ts';
import { scenarioJson } from './scenario-json.ts';

function journeyLines(journey: Journey): string[] {
	const steps = journey.steps?.map(({ where, text }) => `    ${where}: ${text}`);
	return [
		`  ${journey.engine}: ${outcomeText(journey.outcome)}`,
		...(steps ?? journey.sightings.map((sighting) => `    ${sightingLine(sighting)}`)),
	];
}

export function disagreementText({ scenario, linux, model, traces }: Disagreement): string {
	return [
		`${summarize(scenario.packet.frame)}, in by ${scenario.packet.device}`,
		...journeyLines(linux),
		...journeyLines(model),
		...traces.map((each) => `  ${each}`),
		scenarioJson(scenario),
	].join('\n');
}
