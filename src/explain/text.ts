/** An explanation for people. */
import { causes } from '../journey/cause.ts';
import type { Journey } from '../journey/journey.ts';
import { wrap } from '../journey/wrap.ts';
import { formatIp } from '../packet/address.ts';
import { summarize } from '../packet/dissect.ts';
import { outerAddresses } from '../packet/outer.ts';
import type { Alternative, Explanation } from './explain.ts';
import { isThrough, type Solution } from './search.ts';
import type { UnknownFact } from './snapshot.ts';
import type { State } from './state.ts';

const unseen: Readonly<Record<UnknownFact, string>> = {
	'rules-history': 'whether routing rules were ever changed',
	forwarder: 'whether the forwarder is attached (root can see it)',
	netfilter: 'firewall rules and NAT (nft, iptables)',
	ipsec: 'IPsec policies',
	programs: "other people's BPF programs",
};

/** @param title what the state was read from, such as a file's name */
export function explanationText(title: string, explanation: Explanation): string[] {
	const { state, journey, solutions, tried, alternatives, notes, unknown } = explanation;
	const { packet, kernel } = state;
	const mark = packet.mark ? `, marked 0x${packet.mark.toString(16)}` : '';
	return [
		`${title}, Linux ${kernel}`,
		...wrap(`${summarize(packet.frame)}, comes in by ${packet.device}${mark}`, '  '),
		...notes.flatMap((note) => wrap(`${note}.`, '  ')),
		'',
		...stepLines(journey),
		'',
		...outcomeLines(state, journey),
		...(isThrough(journey.outcome) ? [] : ['', ...solutionLines(solutions, tried)]),
		...alternatives.flatMap((alternative) => ['', ...alternativeLines(state, alternative)]),
		'',
		...wrap(`Not looked at: ${unknown.map((fact) => unseen[fact]).join(', ')}.`),
	];
}

function stepLines({ steps = [] }: Journey): string[] {
	const width = Math.max(...steps.map(({ where }) => where.length), 0);
	const devices = Math.max(...steps.map(({ device = '' }) => device.length), 0);
	return steps.flatMap(({ where, device = '', text }, index) => {
		const head = `${String(index + 1).padStart(3)}  ${where.padEnd(width)}  ${device.padEnd(devices)}  `;
		const [first = '', ...rest] = wrap(text, ''.padStart(head.length));
		return [`${head}${first.trimStart()}`, ...rest];
	});
}

/** How it ended, for the one line that is read first. */
export function verdictText({ outcome }: Journey): string {
	switch (outcome.kind) {
		case 'forwarded':
			return `✓ forwarded: leaves by ${outcome.device}`;
		case 'delivered':
			return '✓ delivered: it is for this host itself';
		case 'dropped': {
			const who = outcome.by === 'datapath' ? `by the datapath at ${outcome.where}` : `in ${outcome.where}`;
			return `✗ dropped ${who}: ${outcome.reason} (${outcome.cause}): ${causes[outcome.cause]}`;
		}
		case 'vanished':
			return '✗ nothing more is known of it';
	}
}

function outcomeLines(state: State, journey: Journey): string[] {
	const { outcome } = journey;
	const lines = wrap(verdictText(journey), '');
	if (outcome.kind === 'forwarded') {
		const frame = `as ${summarize(outcome.frame)}`;
		lines.push(
			...wrap(
				`It leaves by ${outcome.device} ${frame}: this host is not what drops it; look further there.`,
				'  ',
			),
		);
	} else if (outcome.kind === 'delivered') {
		lines.push(
			...wrap(
				'Routing lets it in: if it does not arrive, look for its socket or protocol, and at the firewall.',
				'  ',
			),
		);
	} else lines.push(...traceLines(state, journey));
	return lines;
}

/** What the kernel counts, logs and answers. */
function traceLines({ packet, host }: State, { traces, outcome }: Journey): string[] {
	if (traces === undefined || outcome.kind !== 'dropped') return [];
	const { counters, log, icmp } = traces;
	const addresses = outerAddresses(packet.frame);
	const source = addresses === undefined ? 'its sender' : formatIp(addresses.source);
	const martians =
		(host.sysctls['net.ipv4.conf.all.log_martians'] ?? 0) +
		(host.sysctls[`net.ipv4.conf.${packet.device.replaceAll('.', '/')}.log_martians`] ?? 0);
	const silent = martians > 0 ? 'nothing' : 'nothing (log_martians is 0)';
	return [
		...wrap(
			`counted   ${counters.length === 0 ? 'under no counter of nstat' : `${counters.join(', ')} (nstat)`}`,
			'  ',
		),
		...wrap(`logged    ${log ?? silent}`, '  '),
		...wrap(
			`answered  ${icmp === undefined ? `nothing goes back to ${source}` : `ICMP type ${icmp.type} code ${icmp.code} to ${icmp.to}`}`,
			'  ',
		),
	];
}

function solutionLines(solutions: readonly Solution[], tried: number): string[] {
	const [smallest, ...others] = solutions;
	if (smallest === undefined) {
		return wrap(`→ no change of up to three was found that gets it through (${tried} tried)`, '');
	}
	const count = smallest.changes.length;
	return [
		count === 1
			? '→ the smallest change that gets it through:'
			: `→ the smallest change that gets it through is of ${count}:`,
		...smallest.changes.flatMap(({ text, affects }) => [
			...wrap(text, '    '),
			...wrap(`which affects: ${affects}`, '      '),
		]),
		...wrap(`tried in the model: ${thenText(smallest.journey)}`, '  '),
		...(others.length === 0 ? [] : ['  others that do as well:']),
		...others.flatMap(({ changes }) => wrap(changes.map(({ text }) => text).join(' and '), '    ')),
	];
}

function thenText({ outcome }: Journey): string {
	if (outcome.kind === 'forwarded') return `the packet then leaves by ${outcome.device}`;
	return 'the packet then reaches this host';
}

function alternativeLines(state: State, { condition, journey, solutions }: Alternative): string[] {
	const [smallest] = solutions;
	const remedy =
		smallest === undefined
			? ''
			: `; then ${smallest.changes.map(({ text }) => text).join(' and ')} gets it through`;
	return [
		...wrap(`But if ${condition}:`, ''),
		...wrap(`${verdictText(journey)}${remedy}`, '  '),
		...traceLines(state, journey).map((line) => `  ${line}`),
	];
}
