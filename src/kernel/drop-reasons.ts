/** The running kernel's own names for why it drops a packet. */
import { readFileSync } from 'node:fs';
import { Btf } from '../bpf/btf.ts';
import { EncapForwardError } from '../error.ts';

const kernelBtf = '/sys/kernel/btf/vmlinux';

/** The running kernel's type information. @throws EF_NO_BTF */
export function readKernelTypes(): Btf {
	try {
		return new Btf(readFileSync(kernelBtf));
	} catch (cause) {
		throw new EncapForwardError(
			'EF_NO_BTF',
			`the running kernel publishes no type information in ${kernelBtf}; a kernel built with CONFIG_DEBUG_INFO_BTF=y does`,
			{ cause },
		);
	}
}

/**
 * enum skb_drop_reason by number, without its prefix: IP_RPFILTER. The numbers differ from kernel to
 * kernel. Empty before Linux 5.17, which gives no reasons.
 */
export function readDropReasons(types: Btf = readKernelTypes()): ReadonlyMap<number, string> {
	const names = new Map<number, string>();
	for (const [number, name] of types.enumeration('skb_drop_reason') ?? []) {
		names.set(number, name.replace(/^SKB_(DROP_REASON_)?/, ''));
	}
	return names;
}
