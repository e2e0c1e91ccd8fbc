/**
 * The shape of a snapshot. Of what iproute2 shows, the members that are read are held to their type; whatever
 * else it shows is kept as it came. A message is what is expected.
 */
import * as v from 'valibot';
import { tunnelSchema } from '../configuration/schema.ts';
import { type Snapshot, snapshotVersion, unknownFacts } from './snapshot.ts';

const text = v.string('text');
const whole = v.pipe(v.number('a whole number'), v.integer('a whole number'));
const optionalText = v.exactOptional(text);
const optionalWhole = v.exactOptional(whole);
/** A flag that is set is null. */
const flag = v.exactOptional(v.null('null'));

function listOf<Item extends v.GenericSchema>(item: Item) {
	return v.array(item, 'a list');
}

const flags = v.exactOptional(listOf(text));

const link = v.looseObject(
	{
		ifname: text,
		flags: listOf(text),
		mtu: whole,
		link_type: text,
		address: optionalText,
		master: optionalText,
		link: optionalText,
		linkinfo: v.exactOptional(
			v.looseObject(
				{
					info_kind: optionalText,
					info_slave_kind: optionalText,
					info_data: v.exactOptional(v.record(text, v.unknown(), 'an object')),
				},
				'an object',
			),
		),
		addr_info: listOf(
			v.looseObject(
				{
					family: v.picklist(['inet', 'inet6'], 'inet or inet6'),
					local: text,
					address: optionalText,
					prefixlen: whole,
				},
				'an object',
			),
		),
	},
	'an object',
);

const via = v.exactOptional(v.looseObject({ host: text }, 'an object'));
const way = {
	dev: optionalText,
	gateway: optionalText,
	via,
	weight: optionalWhole,
	flags,
	encap: optionalText,
};

const route = v.looseObject(
	{
		...way,
		type: optionalText,
		dst: text,
		table: optionalText,
		protocol: optionalText,
		metric: optionalWhole,
		tos: optionalText,
		from: optionalText,
		prefsrc: optionalText,
		nhid: optionalWhole,
		nexthops: v.exactOptional(listOf(v.looseObject(way, 'an object'))),
		metrics: v.exactOptional(listOf(v.looseObject({ mtu: optionalWhole }, 'an object'))),
	},
	'an object',
);

const rule = v.looseObject(
	{
		priority: whole,
		table: optionalText,
		action: optionalText,
		goto: optionalWhole,
		nop: flag,
		not: flag,
		l3mdev: flag,
		src: optionalText,
		srclen: optionalWhole,
		dst: optionalText,
		dstlen: optionalWhole,
		iif: optionalText,
		oif: optionalText,
		fwmark: optionalText,
		fwmask: optionalText,
		tos: optionalText,
		dscp: optionalText,
		ipproto: optionalText,
		sport: optionalWhole,
		sport_start: optionalWhole,
		sport_end: optionalWhole,
		dport: optionalWhole,
		dport_start: optionalWhole,
		dport_end: optionalWhole,
		uid_start: optionalWhole,
		tun_id: v.exactOptional(v.union([text, whole], 'text or a number')),
		suppress_prefixlen: optionalWhole,
	},
	'an object',
);

const neighbour = v.looseObject(
	{ dst: text, dev: text, lladdr: optionalText, state: listOf(text) },
	'an object',
);

const nextHop = v.looseObject(
	{
		id: whole,
		dev: optionalText,
		gateway: optionalText,
		via,
		blackhole: flag,
		group: v.exactOptional(listOf(v.looseObject({ id: whole, weight: optionalWhole }, 'an object'))),
		flags,
	},
	'an object',
);

const forwarder = v.strictObject(
	{
		interfaces: listOf(
			v.strictObject({ name: text, hooks: listOf(v.picklist(['xdp', 'tc'], 'xdp or tc')) }, 'an object'),
		),
		tunnels: listOf(tunnelSchema),
	},
	'an object or null',
);

function ofBothFamilies<Item extends v.GenericSchema>(item: Item) {
	return v.strictObject({ ipv4: listOf(item), ipv6: listOf(item) }, 'an object with ipv4 and ipv6');
}

function described<Schema extends v.GenericSchema>(schema: Schema, description: string) {
	return v.pipe(schema, v.description(description));
}

/** The members of a snapshot, each with its description. */
export const snapshotSchema: v.GenericSchema<unknown, Snapshot> = v.strictObject(
	{
		version: described(v.literal(snapshotVersion, `${snapshotVersion}`), 'Version of this format.'),
		kernel: described(text, 'The release of the kernel, as uname -r has it.'),
		links: described(listOf(link), 'What "ip -json -details address show" shows.'),
		routes: described(
			ofBothFamilies(route),
			'What "ip -json -details route show table all" shows, with -4 and with -6, in that order.',
		),
		rules: described(ofBothFamilies(rule), 'What "ip -json -details rule show" shows, with -4 and with -6.'),
		neighbours: described(listOf(neighbour), 'What "ip -json -details neighbour show nud all" shows.'),
		nextHops: described(listOf(nextHop), 'What "ip -json -details nexthop show" shows.'),
		tables: described(
			v.record(text, whole, 'an object'),
			'Numbers of the routing tables that have names of the host’s own.',
		),
		sockets: described(
			listOf(
				v.strictObject({ protocol: v.picklist([6, 17], '6 (TCP) or 17 (UDP)'), port: whole }, 'an object'),
			),
			'Ports that sockets of the host are bound to, as /proc/net/tcp, tcp6, udp and udp6 have them.',
		),
		sysctls: described(
			v.record(text, whole, 'an object'),
			'Sysctls by their full name; a dot in the name of a device is written as a slash.',
		),
		forwarder: described(
			v.nullable(forwarder),
			'What encap-forward itself has attached; null where there is none, or where it could not be seen.',
		),
		unknown: described(
			listOf(v.picklist(unknownFacts, `one of ${unknownFacts.join(', ')}`)),
			'What could not be seen: it can make another answer right.',
		),
	},
	'an object',
);
