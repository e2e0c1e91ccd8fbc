/**
 * `encap-forward explain`: what becomes of a packet, why, and the smallest change that gets it through. What only
 * some questions need is loaded for them alone: most of the command's time is its start.
 */
import { readFileSync } from 'node:fs';
import type { Datapaths } from '../engines/model/datapath.ts';
import { openModelEngine } from '../engines/model/engine.ts';
import { parseKernel } from '../engines/model/kernel.ts';
import { EncapForwardError } from '../error.ts';
import { explain } from '../explain/explain.ts';
import { capturedFrame, describedFrame } from '../explain/frame-source.ts';
import { explanationJson } from '../explain/json.ts';
import { parseSnapshot } from '../explain/parse-snapshot.ts';
import type { Question } from '../explain/question.ts';
import type { Snapshot } from '../explain/snapshot.ts';
import { explanationText } from '../explain/text.ts';
import { type Cause, causes } from '../journey/cause.ts';
import type { Outcome } from '../journey/journey.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import type { Context } from './context.ts';
import { usage } from './error-text.ts';

export interface ExplainFlags {
	readonly in: string;
	readonly packet?: string;
	readonly pcap?: string;
	readonly frame?: number;
	readonly snapshot?: string;
	readonly netns?: string;
	readonly tunnel?: readonly string[];
	readonly config?: string;
	readonly hook?: 'xdp' | 'tc';
	readonly forwarding?: 'stack' | 'fib';
	readonly mark?: number;
	readonly kernel?: string;
	readonly expect?: string;
	readonly json: boolean;
}

export async function explainPacket(this: Context, flags: ExplainFlags): Promise<void> {
	const { output } = this;
	const expected = expectationOf(flags.expect);
	const frame = frameOf(flags);
	const tunnels = await tunnelsOf(flags);
	if (flags.kernel !== undefined) parseKernel(flags.kernel);
	const { snapshot, title } = await snapshotOf(flags);
	const question: Question = {
		snapshot,
		device: flags.in,
		frame,
		...(flags.mark === undefined ? {} : { mark: flags.mark }),
		...(flags.kernel === undefined ? {} : { kernel: flags.kernel }),
		...(tunnels === undefined ? {} : { tunnels }),
		...(flags.hook === undefined ? {} : { hook: flags.hook }),
		...(flags.forwarding === undefined ? {} : { forwarding: flags.forwarding }),
	};
	const programs = tunnels !== undefined || snapshot.forwarder !== null;
	const engine = openModelEngine(programs ? { datapaths: await datapaths() } : {});
	try {
		const explanation = await explain(engine, question);
		if (flags.json) output.json(explanationJson(explanation));
		else output.lines(explanationText(title, explanation));
		requireExpected(expected, explanation.journey.outcome);
	} finally {
		engine.close();
	}
}

const kinds = ['forwarded', 'delivered', 'dropped'] as const;

function expectationOf(text: string | undefined): string | undefined {
	if (text === undefined || (kinds as readonly string[]).includes(text) || Object.hasOwn(causes, text))
		return text;
	throw usage(`--expect takes ${kinds.join(', ')} or a cause such as reverse-path, not "${text}"`);
}

function requireExpected(expected: string | undefined, outcome: Outcome): void {
	if (expected === undefined) return;
	const cause: Cause | undefined = outcome.kind === 'dropped' ? outcome.cause : undefined;
	if (outcome.kind === expected || cause === expected) return;
	throw new EncapForwardError(
		'EF_EXPECTATION',
		`--expect ${expected} is not met: the packet is ${outcome.kind}${cause === undefined ? '' : ` (${cause})`}`,
	);
}

function frameOf({ packet, pcap, frame = 1 }: ExplainFlags): Question['frame'] {
	if (packet !== undefined && pcap !== undefined) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			'--packet and --pcap each give the packet; give one of them',
		);
	}
	if (packet !== undefined) return describedFrame(packet);
	if (pcap === undefined)
		throw usage("there is no packet; give --packet 'ipv4 SOURCE > DESTINATION icmp' or --pcap");
	return capturedFrame(readInput('--pcap', pcap), frame);
}

async function tunnelsOf({
	tunnel,
	config,
	in: device,
}: ExplainFlags): Promise<readonly Tunnel[] | undefined> {
	if (tunnel !== undefined && config !== undefined) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			'--tunnel and --config each give the tunnels; give one of them',
		);
	}
	if (tunnel !== undefined) {
		const { parseTunnelSpec } = await import('../explain/tunnel-spec.ts');
		return tunnel.map(parseTunnelSpec);
	}
	if (config === undefined) return undefined;
	const { configuredTunnels } = await import('../explain/configured-tunnels.ts');
	return configuredTunnels(config, device);
}

async function snapshotOf({
	snapshot,
	netns,
}: ExplainFlags): Promise<{ readonly snapshot: Snapshot; readonly title: string }> {
	if (snapshot === undefined) {
		const { takeSnapshot } = await import('../explain/take-snapshot.ts');
		return { snapshot: takeSnapshot(netns), title: netns ?? 'this host' };
	}
	if (netns !== undefined) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			'--snapshot is of another place than --netns; give one of them',
		);
	}
	const text = new TextDecoder().decode(readInput('--snapshot', snapshot));
	return { snapshot: parseSnapshot(text, snapshot), title: snapshot };
}

/** What runs BPF is loaded only where it is needed: it is a fifth of the command's start. */
async function datapaths(): Promise<Datapaths> {
	const [{ datapathObjects }, { openDatapaths }] = await Promise.all([
		import('../datapath/object-bytes.ts'),
		import('../engines/model/datapath.ts'),
	]);
	return openDatapaths(datapathObjects());
}

function readInput(option: string, path: string): Uint8Array {
	try {
		return readFileSync(path);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw new EncapForwardError(
			'EF_FILE',
			`${option}: cannot read ${path}: ${code}; correct its name or its permissions`,
			{
				cause,
			},
		);
	}
}
