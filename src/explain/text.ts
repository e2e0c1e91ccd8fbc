/** An explanation for people. */
import { causes } from '../journey/cause.ts';
import type { Journey, Outcome, Traces } from '../journey/journey.ts';
import { wrap } from '../journey/wrap.ts';
import { formatIp } from '../packet/address.ts';
import { summarize } from '../packet/dissect.ts';
import { outerAddresses } from '../packet/outer.ts';
import type { Alternative, Explanation } from './explain.ts';
import { isThrough, type Solution } from './search.ts';
import type { UnknownFact } from './snapshot.ts';
import type { State } from './state.ts';

/** What is told of what was not seen; of rules' history, only where it makes another answer. */
const unseen: Readonly<Record<UnknownFact, string | undefined>> = {
	'rules-history': undefined,
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
	const left = unknown.flatMap((fact) => unseen[fact] ?? []);
	return [
		`${title}, Linux ${kernel}`,
		...wrap(`${summarize(packet.frame)}, comes in by ${packet.device}${mark}`, '  '),
		...notes.flatMap((note) => wrap(`${note}.`, '  ')),
		'',
		...stepLines(journey),
		'',
		...wrap(verdictText(journey.outcome)),
		...outcomeLines(journey.outcome),
		...chanceLines(journey),
		...traceLines(state, journey, explanation.logIfAsked),
		...(isThrough(journey) ? [] : ['', ...solutionLines(solutions, tried)]),
		...alternatives.flatMap((alternative) => ['', ...alternativeLines(alternative)]),
		...(left.length === 0 ? [] : ['', ...wrap(`Not looked at: ${left.join(', ')}.`)]),
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
function verdictText(outcome: Outcome): string {
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
			return '✗ it goes no further, and the kernel does not say why';
	}
}

function outcomeLines(outcome: Outcome): string[] {
	if (outcome.kind === 'forwarded') {
		const frame = summarize(outcome.frame);
		return wrap(
			`${frame} leaves by ${outcome.device}: this host is not what drops it; look further there.`,
			'  ',
		);
	}
	if (outcome.kind !== 'delivered') return [];
	return wrap(
		'Routing is not what drops it: if nobody gets it, look at the firewall, and at who listens.',
		'  ',
	);
}

/** Where the kernel chooses among several ways by a hash of its own. */
function chanceLines({ alternatives = [] }: Journey): string[] {
	return alternatives.flatMap((outcome) =>
		wrap(`or, as the kernel chooses among several ways: ${verdictText(outcome)}`, '  '),
	);
}

/** What the kernel counts, logs and answers. */
function traceLines(
	{ packet }: State,
	{ traces, outcome }: Journey,
	logIfAsked: string | undefined,
): string[] {
	if (traces === undefined || outcome.kind !== 'dropped') return [];
	const { counters, log, icmp } = traces;
	const addresses = outerAddresses(packet.frame);
	const source = addresses === undefined ? 'its sender' : formatIp(addresses.source);
	const silent =
		logIfAsked === undefined
			? ['nothing']
			: ['nothing, for log_martians is 0; with 1 it would be:', ...lines(logIfAsked)];
	const reset = counters.includes('TcpOutRsts') ? `a TCP reset goes back to ${source}` : undefined;
	return [
		...labelled('counted', [
			counters.length === 0 ? 'nowhere that nstat shows' : `${counters.join(', ')} (nstat)`,
		]),
		...labelled('logged', log === undefined ? silent : lines(log)),
		...labelled('answered', [
			icmp === undefined ? (reset ?? `nothing goes back to ${source}`) : icmpText(icmp),
		]),
	];
}

function lines(text: string): string[] {
	return text.split('\n');
}

function labelled(label: string, texts: readonly string[]): string[] {
	const indent = ''.padStart(12);
	return texts.flatMap((text, index) => {
		const [first = '', ...rest] = wrap(text, indent);
		return [index === 0 ? `  ${label.padEnd(10)}${first.trimStart()}` : first, ...rest];
	});
}

/** The errors that a router sends, by type and code (RFC 792, RFC 1812, RFC 4443). */
const icmpNames: Readonly<Record<'ipv4' | 'ipv6', Readonly<Record<string, string>>>> = {
	ipv4: {
		'3 0': 'network unreachable',
		'3 1': 'host unreachable',
		'3 2': 'protocol unreachable',
		'3 3': 'port unreachable',
		'3 4': 'fragmentation needed',
		'3 13': 'administratively prohibited',
		'11 0': 'time exceeded',
		'12 0': 'parameter problem',
	},
	ipv6: {
		'1 0': 'no route',
		'1 1': 'administratively prohibited',
		'1 2': 'beyond the scope of the source',
		'1 3': 'address unreachable',
		'1 4': 'port unreachable',
		'2 0': 'packet too big',
		'3 0': 'hop limit exceeded',
		'4 1': 'unknown next header',
	},
};

function icmpText({ type, code, to }: NonNullable<Traces['icmp']>): string {
	const family = to.includes(':') ? 'ipv6' : 'ipv4';
	const name = icmpNames[family][`${type} ${code}`];
	const words = name === undefined ? '' : ` (${name})`;
	return `${family === 'ipv6' ? 'ICMPv6' : 'ICMP'} type ${type} code ${code}${words} to ${to}`;
}

function solutionLines(solutions: readonly Solution[], tried: number): string[] {
	const [smallest, ...others] = solutions;
	if (smallest === undefined) {
		return wrap(
			`→ no change, nor two or three together, was found that gets it through; ${tried} were tried`,
		);
	}
	const many = smallest.changes.length > 1;
	return [
		`→ smallest change that gets it through${many ? `, of ${smallest.changes.length} parts` : ''}:`,
		...smallest.changes.flatMap(({ text, affects }) => [
			...wrap(text, '    '),
			...wrap(`affects ${affects}`, '      '),
		]),
		...wrap(`run again with it: ${thenText(smallest.journey.outcome)}`, '  '),
		...(others.length === 0 ? [] : ['  as would:']),
		...others.flatMap(({ changes }) => wrap(changes.map(({ text }) => text).join(' and '), '    ')),
	];
}

function thenText(outcome: Outcome): string {
	return outcome.kind === 'forwarded'
		? `the packet leaves by ${outcome.device}`
		: 'the packet reaches this host';
}

function alternativeLines({ condition, journey, solutions }: Alternative): string[] {
	const [smallest] = solutions;
	const remedy =
		smallest === undefined
			? ''
			: `; smallest change: ${smallest.changes.map(({ text }) => text).join(' and ')}`;
	return [...wrap(`But if ${condition}:`), ...wrap(`${verdictText(journey.outcome)}${remedy}`, '  ')];
}
