/**
 * BPF links: a program attached to a device for as long as somebody holds the link, by file descriptor or by
 * pin. What runs on is replaced at once by `replaceProgram`. Create inside `inNamespace`.
 */
import { checkBpf, libbpf } from './libbpf.ts';

/** Where a link attaches: enum bpf_attach_type and the flags, of <linux/bpf.h> and <linux/if_link.h>. */
const places: Readonly<Record<LinkPlace, { readonly type: number; readonly flags: number }>> = {
	'xdp-native': { type: 37, flags: 1 << 2 }, // BPF_XDP, XDP_FLAGS_DRV_MODE
	'xdp-generic': { type: 37, flags: 1 << 1 }, // BPF_XDP, XDP_FLAGS_SKB_MODE
	tcx: { type: 46, flags: 0 }, // BPF_TCX_INGRESS, Linux 6.6
};

export type LinkPlace = 'xdp-native' | 'xdp-generic' | 'tcx';

/** A file descriptor of the link, or a negative errno. */
export function createLink(program: number, device: number, place: LinkPlace): number {
	const { type, flags } = places[place];
	// struct bpf_link_create_opts up to its flags; libbpf 1.1 knows no TCX, but passes on what it does not know.
	const options = new DataView(new ArrayBuffer(16));
	options.setBigUint64(0, 16n, true);
	options.setUint32(8, flags, true);
	return libbpf().bpf_link_create(program, device, type, flags === 0 ? null : new Uint8Array(options.buffer));
}

/** From one packet to the next, another program. */
export function replaceProgram(link: number, program: number): void {
	checkBpf(libbpf().bpf_link_update(link, program, null), 'replace a running BPF program');
}

/** Take the program from the device, whoever holds the link. */
export function detachLink(link: number): void {
	checkBpf(libbpf().bpf_link_detach(link), 'detach a BPF link');
}

/** The number of a link's device, or 0 when it has gone; and of its program. */
export function linkInformation(link: number): { readonly device: number; readonly program: number } {
	const information = new Uint8Array(64); // the beginning of struct bpf_link_info
	checkBpf(
		libbpf().bpf_obj_get_info_by_fd(link, information, new Uint32Array([information.length])),
		'ask about a BPF link',
	);
	const view = new DataView(information.buffer);
	return { device: view.getUint32(16, true), program: view.getUint32(8, true) };
}
