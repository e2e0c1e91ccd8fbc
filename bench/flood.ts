/** Packets that the kernel drops, as many and as fast as one processor can, in a namespace of their own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attachXdp } from '../src/kernel/attach.ts';
import { libc } from '../src/kernel/libc.ts';
import { anonymousNamespace, closeNamespace, inNamespace } from '../src/kernel/namespace.ts';
import { loadObject } from '../src/kernel/object.ts';
import { testRun, testRunFlags } from '../src/kernel/test-run.ts';
import { parseIp, parseMac } from '../src/packet/address.ts';
import { encodeEthernet } from '../src/packet/ethernet.ts';
import { encodeIpv4 } from '../src/packet/ipv4.ts';
import { encodeIpv6 } from '../src/packet/ipv6.ts';
import { etherType, ipProtocol } from '../src/packet/protocol.ts';

export interface Flood {
	/** The inode number of its namespace. */
	readonly namespace: number;
	/** Have so many packets dropped; all are when it returns. */
	drop(packets: number): void;
	close(): void;
}

const mac = '02:00:00:00:0f:01';

function address(text: string): Uint8Array {
	return parseIp(text)?.bytes ?? new Uint8Array();
}

/** IPv6 in IPv4, whose outer source is the receiver's own address: IP_LOCAL_SOURCE. */
function frame(): Uint8Array {
	const inner = encodeIpv6(
		{
			nextHeader: ipProtocol.noNextHeader,
			hopLimit: 64,
			source: address('fd0f::'),
			destination: address('fd0f::1'),
		},
		new Uint8Array(24),
	);
	const outer = encodeIpv4(
		{
			ttl: 64,
			protocol: ipProtocol.ipv6,
			source: address('10.15.0.1'),
			destination: address('10.15.0.2'),
		},
		inner,
	);
	const ethernet = parseMac(mac) ?? new Uint8Array();
	return encodeEthernet({ destination: ethernet, source: ethernet, etherType: etherType.ipv4 }, outer);
}

/** @param kinds how many different packets there are */
export function openFlood(kinds: number): Flood {
	const namespace = anonymousNamespace();
	const object = loadObject(fileURLToPath(new URL('flood.o', import.meta.url)), { constants: { kinds } });
	const close = (): void => {
		object.close();
		closeNamespace(namespace);
	};
	try {
		const device = inNamespace(namespace, () => {
			const commands = [
				`link add flood0 address ${mac} type veth peer name flood1`,
				'link set lo up',
				'link set flood0 up',
				'link set flood1 up',
				'address add 10.15.0.1/24 dev flood0',
			];
			execFileSync('ip', ['-batch', '-'], { input: commands.join('\n') });
			for (const sysctl of ['forwarding', 'rp_filter']) {
				const value = sysctl === 'forwarding' ? '1' : '0';
				execFileSync('sh', ['-c', `echo ${value} > /proc/sys/net/ipv4/conf/all/${sysctl}`]);
				execFileSync('sh', ['-c', `echo ${value} > /proc/sys/net/ipv4/conf/flood0/${sysctl}`]);
			}
			const index = libc().if_nametoindex('flood0');
			// A program that is attached nowhere costs a test run a wait for all processors: see rate.bpf.c.
			attachXdp(index, object.program('flood'));
			return index;
		});
		const data = frame();
		const context = new Uint8Array(24); // struct xdp_md
		const view = new DataView(context.buffer);
		view.setUint32(4, data.length, true);
		view.setUint32(12, device, true);
		return {
			namespace: namespace.inode,
			drop: (repeat) => {
				const options = { data, context, repeat, flags: testRunFlags.liveFrames };
				inNamespace(namespace, () => testRun(object.program('flood'), options));
			},
			close,
		};
	} catch (error) {
		close();
		throw error;
	}
}
