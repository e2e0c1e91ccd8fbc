/** Helpers on clocks, chance and memory (kernel/bpf/helpers.c, kernel/trace/bpf_trace.c). */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { layout, permission } from '../memory.ts';
import { both, type Helper } from './prototype.ts';

function clock(name: string): Helper {
	return {
		name,
		hooks: both,
		arguments: [],
		result: 'long',
		run: (machine) => machine.setResult(BigInt.asUintN(64, machine.environment.now())),
	};
}

/** bpf_probe_read_kernel reads any memory of the kernel's: here, what a program or its maps have. */
function probeRead(name: string): Helper {
	return {
		name,
		hooks: both,
		arguments: [{ does: 'write', bytes: { argument: 1 } }, 'number', { does: 'read', bytes: 'unchecked' }],
		result: 'signed',
		run: ({ memory, checked }, to = 0, bytes = 0, from = 0) => {
			const [target, length, source] = [to >>> 0, bytes >>> 0, from >>> 0];
			const size = 2 ** memory.bits;
			const exists =
				source >= layout.context &&
				source + length <= size &&
				(!checked || memory.isPermitted(source, length, permission.read));
			if (!exists) {
				memory.bytes.fill(0, target, target + length);
				return -errno.EFAULT;
			}
			memory.bytes.copyWithin(target, source, source + length);
			return 0;
		},
	};
}

/** Read once a run. */
function jiffies({ memory }: Machine): undefined {
	memory.bytes.copyWithin(layout.result, layout.jiffies, layout.jiffies + 8);
}

export const generalHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[4, probeRead('bpf_probe_read')],
	[113, probeRead('bpf_probe_read_kernel')],
	[5, clock('bpf_ktime_get_ns')],
	[125, clock('bpf_ktime_get_boot_ns')],
	[160, clock('bpf_ktime_get_coarse_ns')],
	[118, { name: 'bpf_jiffies64', hooks: both, arguments: [], result: 'long', run: jiffies }],
	[
		7,
		{
			name: 'bpf_get_prandom_u32',
			hooks: both,
			arguments: [],
			result: 'unsigned',
			run: (machine) => machine.environment.random(),
		},
	],
	[
		8,
		{
			name: 'bpf_get_smp_processor_id',
			hooks: both,
			arguments: [],
			result: 'unsigned',
			run: () => 0,
		},
	],
]);
