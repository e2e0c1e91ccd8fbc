/**
 * A program as a filter of a device's clsact qdisc, where the kernel has no TCX. It stays with the device.
 * Ours is known by its handle and priority. Call inside `inNamespace`.
 */
import { spawnSync } from 'node:child_process';
import { EncapForwardError } from '../error.ts';
import { checkBpf, libbpf } from './libbpf.ts';
import { errorName } from './library.ts';
import { programById } from './program.ts';

const handle = 0xef;
const priority = 0xef;
const replace = 1; // BPF_TC_F_REPLACE
const [ingress, qdisc] = [1, 3]; // BPF_TC_INGRESS; with BPF_TC_EGRESS, the qdisc itself
const [enoent, einval, eexist] = [2, 22, 17];

/** struct bpf_tc_hook */
function hookOf(device: number, point: number = ingress): Uint8Array {
	const hook = new DataView(new ArrayBuffer(24));
	hook.setBigUint64(0, 24n, true);
	hook.setInt32(8, device, true);
	hook.setInt32(12, point, true);
	return new Uint8Array(hook.buffer);
}

/** struct bpf_tc_opts */
function optionsOf(program: number, flags: number): Uint8Array {
	const options = new DataView(new ArrayBuffer(32));
	options.setBigUint64(0, 32n, true);
	options.setInt32(8, program, true);
	options.setUint32(12, flags, true);
	options.setUint32(20, handle, true);
	options.setUint32(24, priority, true);
	return new Uint8Array(options.buffer);
}

/** The number of the program in the filter with our handle and priority; undefined if there is none. */
function programAt(device: number): number | undefined {
	const options = optionsOf(0, 0);
	const result = libbpf().bpf_tc_query(hookOf(device), options);
	checkBpf(0, 'look for a filter'); // forget what libbpf said: none is no error
	return result < 0 ? undefined : new DataView(options.buffer).getUint32(16, true);
}

/** The number of our program in the filter; undefined if there is none, or somebody else's is in its place. */
export function ourFilter(device: number, name: string): number | undefined {
	const id = programAt(device);
	return id !== undefined && programById(id)?.name === name ? id : undefined;
}

/**
 * Attach, or replace our own from one packet to the next. True if the qdisc was made for it.
 * @throws EF_BUSY where somebody else's filter has our handle and priority
 */
export function setFilter(device: number, program: number, name: string): boolean {
	const present = programAt(device);
	if (present !== undefined && programById(present)?.name !== name) {
		throw new EncapForwardError(
			'EF_BUSY',
			`the filter with handle ${handle} and priority ${priority} of device ${device} is somebody else's; remove it ("tc filter del")`,
		);
	}
	const created = libbpf().bpf_tc_hook_create(hookOf(device));
	if (created !== -eexist) {
		checkBpf(
			created,
			'attach to TC (a kernel with CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF, or "modprobe sch_ingress cls_bpf", is needed)',
			'EF_KERNEL_FEATURE',
		);
	}
	const options = optionsOf(program, present === undefined ? 0 : replace);
	const result = libbpf().bpf_tc_attach(hookOf(device), options);
	if (result < 0 && created === 0) libbpf().bpf_tc_hook_destroy(hookOf(device, qdisc));
	checkBpf(
		result,
		'attach to TC (a kernel with CONFIG_NET_CLS_BPF, or "modprobe cls_bpf", is needed)',
		'EF_KERNEL_FEATURE',
	);
	return created === 0;
}

/** False where there was none of ours. */
export function removeFilter(device: number, name: string): boolean {
	if (ourFilter(device, name) === undefined) return false;
	const result = libbpf().bpf_tc_detach(hookOf(device), optionsOf(0, 0));
	if (result === -enoent || result === -einval) return false;
	checkBpf(result, `remove the filter of device ${device}`);
	return true;
}

/** Remove a clsact qdisc unless somebody's filters are in it. */
export function removeEmptyQdisc(device: number, deviceName: string): void {
	for (const side of ['ingress', 'egress']) {
		const { status, stdout } = spawnSync('tc', ['filter', 'show', 'dev', deviceName, side], {
			encoding: 'utf8',
		});
		if (status !== 0 || stdout.trim() !== '') return;
	}
	const result = libbpf().bpf_tc_hook_destroy(hookOf(device, qdisc));
	if (result === -enoent || result === -einval) return;
	checkBpf(result, `remove the clsact qdisc of ${deviceName} (${errorName(-Math.min(result, -1))})`);
}
