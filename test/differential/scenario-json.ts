/** A scenario as JSON that can be kept, sent and run again: the frame in hexadecimal. */
import type { Scenario } from '../../src/scenario/scenario.ts';

export function scenarioJson(scenario: Scenario): string {
	const { frame } = scenario.packet;
	const packet = { ...scenario.packet, frame: Buffer.from(frame).toString('hex') };
	return JSON.stringify({ ...scenario, packet }, undefined, '\t');
}

export function parseScenario(text: string): Scenario {
	const { packet, ...rest } = JSON.parse(text) as Omit<Scenario, 'packet'> & {
		packet: Omit<Scenario['packet'], 'frame'> & { frame: string };
	};
	return { ...rest, packet: { ...packet, frame: Uint8Array.from(Buffer.from(packet.frame, 'hex')) } };
}
