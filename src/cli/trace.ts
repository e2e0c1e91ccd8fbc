/** `encap-forward trace`: the packets that this host drops now. */
import { release } from 'node:os';
import type { Cause } from '../journey/cause.ts';
import type { Prefix } from '../packet/address.ts';
import { openDropCapture } from '../trace/capture.ts';
import type { DroppedPacket, TracedDrop } from '../trace/drop.ts';
import { packetJson, reportJson } from '../trace/json.ts';
import { missingDevices } from '../trace/missing-devices.ts';
import { type TraceOptions, type TraceReport, trace as watch } from '../trace/run.ts';
import { traceText } from '../trace/table.ts';
import { dropLine } from '../trace/words.ts';
import { packageVersion } from '../version.ts';
import type { Context, Output } from './context.ts';
import { type OutputStream, openStream } from './output-file.ts';

export interface TraceFlags {
	readonly cause?: readonly Cause[];
	readonly reason?: readonly string[];
	readonly device?: readonly string[];
	readonly netns?: readonly string[];
	readonly outer?: readonly Prefix[];
	readonly inner?: readonly Prefix[];
	readonly routine: boolean;
	readonly count?: number;
	readonly seconds?: number;
	readonly interval?: number;
	readonly each: boolean;
	readonly pcap?: string;
	readonly json: boolean;
}

/** Bytes of each packet in a capture: the whole of what an Ethernet of 1500 bytes carries. */
const captureSnap = 1600;

export async function trace(this: Context, flags: TraceFlags): Promise<void> {
	const { output, signal } = this;
	const { count, seconds, pcap, json } = flags;
	const file = pcap === undefined ? undefined : openStream(pcap);
	try {
		const listeners = [
			...(flags.each ? [json ? eachAsJson(output) : eachAsText(output)] : []),
			...(file === undefined ? [] : [intoCapture(file)]),
		];
		const report = await watch({
			filter: filterOf(flags),
			signal,
			onStart: () => {
				for (const name of missingDevices(flags.device ?? [], flags.netns ?? []))
					output.message(`no device ${name} is there now; one that is made later is watched`);
				if (json) output.json({ type: 'watching', kernel: release() });
				else if (output.renew === undefined || flags.each) output.message('Watching; Ctrl-C ends it.');
			},
			...(count === undefined ? {} : { count }),
			...(seconds === undefined ? {} : { seconds }),
			...(listeners.length === 0
				? {}
				: {
						onDrop: (drop, packet, packets) => {
							for (const listen of listeners) listen(drop, packet, packets);
						},
					}),
			...(file === undefined ? {} : { snap: captureSnap }),
			...refresh(output, flags),
		});
		await show(output, report, flags);
	} finally {
		file?.close();
	}
}

type Listener = (drop: TracedDrop, packet: DroppedPacket, packets: number) => void;

function eachAsText({ lines }: Output): Listener {
	return (drop, packet, packets) => lines([dropLine(drop, packet, packets)]);
}

function eachAsJson({ json }: Output): Listener {
	return (drop, packet, packets) => json(packetJson(drop, packet, packets));
}

function intoCapture(file: OutputStream): Listener {
	const capture = openDropCapture(`encap-forward ${packageVersion()}`, release());
	file.write(capture.head);
	return (drop, packet) => file.write(capture.packet(drop, packet));
}

function filterOf(flags: TraceFlags): TraceOptions['filter'] {
	const { cause = [], reason = [], device = [], netns = [], outer = [], inner = [], routine } = flags;
	return { causes: cause, reasons: reason, devices: device, namespaces: netns, outer, inner, routine };
}

/** A table that is renewed on a terminal; one for each interval where that is asked for. */
function refresh(output: Output, { interval, each, json }: TraceFlags): Pick<TraceOptions, 'every'> {
	if (interval !== undefined) {
		return {
			every: { seconds: interval, cumulative: false, report: (report) => tell(output, report, json) },
		};
	}
	const { renew, style } = output;
	if (renew === undefined || each || json) return {};
	const report = (report: TraceReport): void =>
		renew([...traceText(report, { style, kinds: 5 }), '', style('faint', 'Ctrl-C ends it')]);
	return { every: { seconds: 1, cumulative: true, report } };
}

function tell(output: Output, report: TraceReport, json: boolean): void {
	if (json) for (const line of reportJson(report, 'interval')) output.json(line);
	else output.lines([...traceText(report, { style: output.style }), '']);
}

async function show(
	output: Output,
	report: TraceReport,
	{ json, each, interval }: TraceFlags,
): Promise<void> {
	output.renew?.([]);
	// What has been told, interval by interval, is not told again.
	if (interval !== undefined) {
		if (json) output.json(reportJson(report, 'summary').at(-1));
		return;
	}
	// Loaded only now: the model is most of the program.
	const { adviseOn } = await import('../trace/advice.ts');
	const advice = await adviseOn(report.rows);
	if (json) for (const line of reportJson(report, 'summary', advice)) output.json(line);
	else output.lines([...(each ? [''] : []), ...traceText(report, { style: output.style, advice })]);
}
