/**
 * The shape of a configuration. A message is what is expected, for a value of the wrong type or range, or all
 * that is to be said, for a text that is wrong in itself. `metadata` is what JSON Schema can say of a rule.
 */
import * as v from 'valibot';
import { limits } from '../tunnel/limits.ts';
import { endpointProblem, ipProblem, macProblem, prefixProblem } from '../tunnel/text-problem.ts';
import { type Encapsulation, encapsulations, type Tunnel } from '../tunnel/tunnel.ts';
import type { Configuration } from './configuration.ts';
import { interfaceNameProblem } from './interface-name.ts';

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ipv4Pattern = `(${octet}\\.){3}${octet}`;
const ipv6Pattern = '[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*(:[0-9.]+)?';
const addressPattern = `^(${ipv4Pattern}|${ipv6Pattern})$`;
const prefixPattern = `^(${ipv4Pattern}(/(3[0-2]|[12]?[0-9]))?|${ipv6Pattern}(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$`;

/** A text with a rule of its own. */
function text(expected: string, problem: (value: string) => string | undefined, pattern: string) {
	return v.pipe(
		v.string(expected),
		v.check(
			(value) => problem(value) === undefined,
			({ input }) => problem(input) ?? '',
		),
		v.metadata({ pattern }),
	);
}

function integer(name: keyof typeof limits, orElse = '') {
	const [least, most] = limits[name];
	const expected = `a whole number from ${least} to ${most}${orElse}`;
	return v.pipe(
		v.number(expected),
		v.integer(expected),
		v.minValue(least, expected),
		v.maxValue(most, expected),
	);
}

function inheritable(name: 'ttl' | 'dscp') {
	const [least, most] = limits[name];
	return v.union(
		[v.literal('inherit'), integer(name, ', or inherit')],
		`a whole number from ${least} to ${most}, or inherit`,
	);
}

function oneOf<const Words extends readonly string[]>(words: Words) {
	return v.picklist(words, `one of ${words.join(', ')}`);
}

/** As editors show it beside the member. */
function described<Schema extends v.GenericSchema>(schema: Schema, description: string) {
	return v.pipe(schema, v.description(description));
}

const anAddress = 'an IP address such as 192.0.2.1 or 2001:db8::1';
const address = text(anAddress, (value) => ipProblem(value) ?? endpointProblem(value), addressPattern);
const sourceText = text(
	`${anAddress}, or a prefix`,
	(value) => prefixProblem(value) ?? endpointProblem(value),
	prefixPattern,
);
const matchText = text('a prefix such as 10.0.0.0/8 or 2001:db8::/32', prefixProblem, prefixPattern);
const device = text(
	'the name of a device',
	interfaceNameProblem,
	'^(?!\\.{1,2}$)[^/:\\u0000\\u0009-\\u000d \\u00a0]{1,15}$',
);
const aMac = 'an Ethernet address such as 02:00:0a:0b:02:01';
const macPattern = '^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$';
const fileName = text(
	'the name of a file',
	(value) => (value === '' ? 'is empty; give the name of a file' : undefined),
	'^.',
);

const source = described(
	sourceText,
	'Source address of the outer header, or a prefix whose other bits are a hash of the inner flow.',
);
const ends = {
	match: described(
		matchText,
		'Inner destinations that the tunnel takes, IPv4 or IPv6; the longest prefix that matches wins.',
	),
	source,
	destination: described(address, 'Destination address of the outer header, of the source’s family.'),
};
const choices = {
	ttl: v.exactOptional(
		described(inheritable('ttl'), 'TTL or hop limit of the outer header; 64 if not given.'),
	),
	dscp: v.exactOptional(
		described(
			inheritable('dscp'),
			'DSCP of the outer header; inherit if not given. ECN always follows RFC 6040.',
		),
	),
	dontFragment: v.exactOptional(
		described(
			v.boolean('true or false'),
			'Whether routers may not fragment the outer IPv4 packet; true if not given.',
		),
	),
};
const vni = described(integer('vni'), 'Virtual network identifier.');
const key = described(integer('key'), 'GRE key; a header without one if not given.');
function portOf(usual: number) {
	return v.exactOptional(described(integer('port'), `UDP destination port; ${usual} if not given.`));
}
const udpChecksum = v.exactOptional(
	described(
		oneOf(['zero', 'computed']),
		'UDP checksum over IPv6; computed if not given, since a Linux VXLAN or Geneve device drops zero.',
	),
);
function innerMacOf(member: 'innerSource' | 'innerDestination', end: string) {
	const schema = text(aMac, (value) => macProblem(value, member), macPattern);
	const usual = `02:00 and the last four bytes of the outer ${end} if not given`;
	return v.exactOptional(described(schema, `Inner Ethernet ${end}; ${usual}.`));
}
const ethernet = {
	innerSource: innerMacOf('innerSource', 'source'),
	innerDestination: innerMacOf('innerDestination', 'destination'),
};

const own = {
	ip: {},
	gre: { key: v.exactOptional(key) },
	gue: { port: portOf(6080), udpChecksum },
	vxlan: { vni, port: portOf(4789), udpChecksum, ...ethernet },
	geneve: { vni, port: portOf(6081), udpChecksum, ...ethernet },
} as const;

const tunnelMembers = {
	ip: { encapsulation: v.literal('ip'), ...ends, ...choices },
	gre: { encapsulation: v.literal('gre'), ...ends, ...choices, ...own.gre },
	gue: { encapsulation: v.literal('gue'), ...ends, ...choices, ...own.gue },
	vxlan: { encapsulation: v.literal('vxlan'), ...ends, ...choices, ...own.vxlan },
	geneve: { encapsulation: v.literal('geneve'), ...ends, ...choices, ...own.geneve },
} as const satisfies Record<Encapsulation, v.ObjectEntries>;

const file = {
	file: described(fileName, 'The file’s name, relative to the configuration’s folder; one tunnel on a line.'),
	source: v.exactOptional(source),
	...choices,
};
const tunnelFileMembers = {
	ip: { encapsulation: v.literal('ip'), ...file },
	gre: { encapsulation: v.literal('gre'), ...file, ...own.gre },
	gue: { encapsulation: v.literal('gue'), ...file, ...own.gue },
	vxlan: { encapsulation: v.literal('vxlan'), ...file, ...own.vxlan, vni: v.exactOptional(vni) },
	geneve: { encapsulation: v.literal('geneve'), ...file, ...own.geneve, vni: v.exactOptional(vni) },
} as const satisfies Record<Encapsulation, v.ObjectEntries>;

const local = described(address, 'Destination address of the outer header: one of this host.');
const decapsulationMembers = {
	ip: { encapsulation: v.literal('ip'), local },
	gre: { encapsulation: v.literal('gre'), local, key: v.exactOptional(key) },
	gue: { encapsulation: v.literal('gue'), local, port: portOf(6080) },
	vxlan: { encapsulation: v.literal('vxlan'), local, vni, port: portOf(4789) },
	geneve: { encapsulation: v.literal('geneve'), local, vni, port: portOf(6081) },
} as const satisfies Record<Encapsulation, v.ObjectEntries>;

const tunnel = v.variant('encapsulation', [
	v.strictObject(tunnelMembers.ip),
	v.strictObject(tunnelMembers.gre),
	v.strictObject(tunnelMembers.gue),
	v.strictObject(tunnelMembers.vxlan),
	v.strictObject(tunnelMembers.geneve),
]);
const tunnelFile = v.variant('encapsulation', [
	v.strictObject(tunnelFileMembers.ip),
	v.strictObject(tunnelFileMembers.gre),
	v.strictObject(tunnelFileMembers.gue),
	v.strictObject(tunnelFileMembers.vxlan),
	v.strictObject(tunnelFileMembers.geneve),
]);
const decapsulation = v.variant('encapsulation', [
	v.strictObject(decapsulationMembers.ip),
	v.strictObject(decapsulationMembers.gre),
	v.strictObject(decapsulationMembers.gue),
	v.strictObject(decapsulationMembers.vxlan),
	v.strictObject(decapsulationMembers.geneve),
]);

function listOf<Item extends v.GenericSchema>(item: Item, what: string) {
	return v.array(item, `a list of ${what}`);
}

function devices(emptyHint: string) {
	return v.pipe(
		listOf(device, 'devices, such as [eth0]'),
		v.minLength(1, `is empty; ${emptyHint}`),
		v.metadata({ uniqueItems: true }),
	);
}

const configurationMembers = {
	interfaces: described(
		devices('give the devices that packets come in by'),
		'Devices that packets come in by.',
	),
	hook: v.optional(
		described(
			oneOf(['xdp', 'tc', 'automatic']),
			'Where the programs are attached: xdp is XDP and TC behind it, tc is TC alone.',
		),
		'automatic',
	),
	xdpMode: v.optional(
		described(
			oneOf(['native', 'generic', 'automatic']),
			'How XDP is attached: by the driver, by the kernel, or by the first of them that works.',
		),
		'automatic',
	),
	egress: v.exactOptional(
		described(
			devices('leave it out to allow every device'),
			'Devices that packets may leave by; every device if not given.',
		),
	),
	tunnelCounters: v.exactOptional(
		described(
			v.boolean('true or false'),
			'Whether the packets of each tunnel are counted; if not given, while there are at most 65,536 tunnels.',
		),
	),
	tunnels: v.optional(described(listOf(tunnel, 'tunnels'), 'What is encapsulated in what.'), []),
	tunnelFiles: v.optional(
		described(listOf(tunnelFile, 'files'), 'Files with one tunnel on a line, for very many of them.'),
		[],
	),
	decapsulate: v.optional(
		described(listOf(decapsulation, 'decapsulations'), 'Whose packets are taken out of their encapsulation.'),
		[],
	),
};

export const configurationSchema: v.GenericSchema<unknown, Configuration> =
	v.strictObject(configurationMembers);

/** For a line of a file: what the file and the line say together. */
export const tunnelSchema: v.GenericSchema<unknown, Tunnel> = tunnel;

type KindMembers = Readonly<Record<Encapsulation, readonly string[]>>;

function namesOf(members: Record<Encapsulation, object>): KindMembers {
	return Object.fromEntries(
		encapsulations.map((kind) => [kind, Object.keys(members[kind])]),
	) as unknown as KindMembers;
}

/** The names of what there is. */
export const memberNames: {
	readonly configuration: readonly string[];
	readonly tunnels: KindMembers;
	readonly tunnelFiles: KindMembers;
	readonly decapsulate: KindMembers;
} = {
	configuration: Object.keys(configurationMembers),
	tunnels: namesOf(tunnelMembers),
	tunnelFiles: namesOf(tunnelFileMembers),
	decapsulate: namesOf(decapsulationMembers),
};
