/**
 * Attaching to a device of the namespace this thread is in: call inside `inNamespace`. What is attached
 * here stays until it is detached or its device goes, also when this process ends.
 */
import { checkBpf, libbpf } from './libbpf.ts';

const driverMode = 1 << 2; // XDP_FLAGS_DRV_MODE
const replaceNothing = 1 << 0; // XDP_FLAGS_UPDATE_IF_NOEXIST
const ingress = 1; // BPF_TC_INGRESS

/** Attach to the driver's hook: another XDP program there is refused, not replaced. */
export function attachXdp(device: number, program: number): void {
	checkBpf(
		libbpf().bpf_xdp_attach(device, program, driverMode | replaceNothing, null),
		'attach to XDP (a driver with native XDP is needed)',
		'EF_KERNEL_FEATURE',
	);
}

export function detachXdp(device: number): void {
	checkBpf(libbpf().bpf_xdp_detach(device, driverMode, null), 'detach from XDP');
}

/** struct bpf_tc_hook */
function tcHook(device: number): Uint8Array {
	const hook = new DataView(new ArrayBuffer(24));
	hook.setBigUint64(0, 24n, true);
	hook.setInt32(8, device, true);
	hook.setInt32(12, ingress, true);
	return new Uint8Array(hook.buffer);
}

/** struct bpf_tc_opts */
function tcOptions(program: number, handle: number, priority: number): Uint8Array {
	const options = new DataView(new ArrayBuffer(32));
	options.setBigUint64(0, 32n, true);
	options.setInt32(8, program, true);
	options.setUint32(20, handle, true);
	options.setUint32(24, priority, true);
	return new Uint8Array(options.buffer);
}

const eexist = 17;

/**
 * Attach to TC ingress by a clsact qdisc, which is made where there is none.
 * @param priority programs run in ascending order; 1 if not given
 */
export function attachTc(device: number, program: number, priority = 1): void {
	const created = libbpf().bpf_tc_hook_create(tcHook(device));
	checkBpf(
		created === -eexist ? 0 : created,
		'attach to TC (a kernel with CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF, or "modprobe sch_ingress cls_bpf", is needed)',
		'EF_KERNEL_FEATURE',
	);
	checkBpf(
		libbpf().bpf_tc_attach(tcHook(device), tcOptions(program, 1, priority)),
		'attach to TC (a kernel with CONFIG_NET_CLS_BPF, or "modprobe cls_bpf", is needed)',
		'EF_KERNEL_FEATURE',
	);
}

/** Remove the clsact qdisc and what is attached to it. */
export function detachTc(device: number): void {
	const hook = tcHook(device);
	new DataView(hook.buffer).setInt32(12, 3, true); // BPF_TC_INGRESS | BPF_TC_EGRESS: the qdisc itself
	checkBpf(libbpf().bpf_tc_hook_destroy(hook), 'detach from TC');
}
