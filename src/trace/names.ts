/** From the kernel's numbers to names: reasons, functions, devices, namespaces, and our causes. */
import { type Cause, causeOfDrop, isUnnamedEnd } from '../journey/cause.ts';
import { ipJson } from '../kernel/ip.ts';
import { libc } from '../kernel/libc.ts';
import { errorName } from '../kernel/library.ts';
import { closeNamespace, inNamespace, openNamespace } from '../kernel/namespace.ts';
import { readSymbols } from '../kernel/symbols.ts';
import type { TracedDrop } from './drop.ts';
import type { DropKey } from './key.ts';
import { type NamedNamespace, nameNamespaces } from './namespaces.ts';

export interface Names {
	drop(key: DropKey): TracedDrop;
	namespace(inode: number): NamedNamespace;
}

const hostUnreachable = 113; // EHOSTUNREACH

/** enum xdp_action of <linux/bpf.h> */
const actions = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'];

const tracepoints = {
	'xdp-redirect-err': 'xdp:xdp_redirect_err',
	'xdp-devmap-xmit': 'xdp:xdp_devmap_xmit',
	'xdp-exception': 'xdp:xdp_exception',
} as const;

/**
 * @param reasons the running kernel's, by number
 * @param deviceName the name that a device had when it dropped
 */
export function openNames(
	reasons: ReadonlyMap<number, string>,
	deviceName: (namespace: number, device: number) => string | undefined,
): Names {
	const namespace = nameNamespaces();
	const devices = new Map<string, string>();
	const addresses = new Map<number, ReadonlySet<string>>();
	let symbols: ReturnType<typeof readSymbols> | undefined;
	const where = (address: bigint): string => {
		symbols ??= readSymbols();
		return symbols(address) ?? `0x${address.toString(16)}`;
	};
	const device = (inode: number, index: number): string => {
		if (index === 0) return '';
		const key = `${inode} ${index}`;
		const known = devices.get(key);
		if (known !== undefined) return known;
		const name = deviceName(inode, index) ?? lookUp(namespace(inode), () => nameOf(index)) ?? `#${index}`;
		devices.set(key, name);
		return name;
	};
	const isLocal = (inode: number, address: string | undefined): boolean => {
		let known = addresses.get(inode);
		known ??= lookUp(namespace(inode), localAddresses) ?? new Set();
		addresses.set(inode, known);
		return address !== undefined && known.has(address);
	};
	// Where the kernel has no such reason, the route of a host that does not forward looks unreachable.
	const unsure = [...reasons.values()].includes('IP_INADDRERRORS') ? undefined : hostUnreachable;
	const namesConsumed = [...reasons.values()].includes('CONSUMED');
	const stack = (key: DropKey): Pick<TracedDrop, 'by' | 'reason' | 'where' | 'cause' | 'routine'> => {
		const reason =
			reasons.get(key.reason) ?? (reasons.size === 0 ? 'NOT_SPECIFIED' : `UNKNOWN_${key.reason}`);
		const place = where(key.location);
		// Only where the kernel gives no reason is the source asked for.
		const local =
			reason === 'NOT_SPECIFIED' &&
			place.startsWith('ip_rcv_finish') &&
			isLocal(key.namespace, key.headers?.outer?.source);
		const routeError = key.routeError === unsure ? 0 : key.routeError;
		// Without reasons, headers that are not looked at here would tell.
		const cause =
			reasons.size === 0 && place === 'ip6_rcv_core'
				? 'unknown'
				: causeOfDrop({ reason, where: place, routeError }, local);
		const routine = !namesConsumed && isUnnamedEnd({ reason, where: place });
		return { by: 'kernel', reason, where: place, cause, ...(routine ? { routine } : {}) };
	};
	return {
		namespace,
		drop: (key) => ({
			...(key.tracepoint === 'kfree-skb' ? stack(key) : xdp(key, key.tracepoint)),
			namespace: namespace(key.namespace).name,
			device: device(key.namespace, key.device),
			...(key.tracepoint.startsWith('xdp-') && key.location !== 0n
				? { target: device(key.namespace, Number(key.location)) }
				: {}),
			...(key.headers === undefined ? {} : { headers: key.headers }),
			tooMany: key.tooMany,
		}),
	};
}

function xdp(
	{ reason }: DropKey,
	tracepoint: keyof typeof tracepoints,
): Pick<TracedDrop, 'by' | 'reason' | 'where' | 'cause'> {
	const exception = tracepoint === 'xdp-exception';
	const cause: Cause = exception ? 'xdp-exception' : 'xdp-redirect';
	const error = reason === 95 ? 'EOPNOTSUPP' : errorName(reason); // libuv calls it ENOTSUP
	const name = exception ? (actions[reason] ?? `XDP_${reason}`) : error;
	return { by: 'xdp', reason: name, where: tracepoints[tracepoint], cause };
}

/** What holds in a namespace; undefined where it cannot be entered any more. */
function lookUp<T>(
	{ path }: NamedNamespace,
	work: () => T extends PromiseLike<unknown> ? never : T,
): T | undefined {
	if (path === undefined) return undefined;
	try {
		const namespace = openNamespace(path);
		try {
			return inNamespace(namespace, work);
		} finally {
			closeNamespace(namespace);
		}
	} catch {
		return undefined;
	}
}

function nameOf(index: number): string | undefined {
	return libc().if_indextoname(index, new Uint8Array(16)) ?? undefined;
}

function localAddresses(): ReadonlySet<string> {
	const devices = ipJson<{ addr_info: { local: string }[] }[]>('address', 'show');
	return new Set(devices.flatMap(({ addr_info }) => addr_info.map(({ local }) => local)));
}
