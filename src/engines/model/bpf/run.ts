/** Runs a program on a frame: put it and its context into the memory, call, and take out what became of them. */
import { redirectCode } from './helpers/redirect.ts';
import type { Instance } from './instantiate.ts';
import type { Machine } from './machine.ts';
import { layout } from './memory.ts';
import type { BpfBuild, BpfHook, BpfRedirect, RunOptions, RunResult } from './program.ts';
import { changedSkb, enterSkb } from './skb.ts';
import { enterXdp } from './xdp.ts';

export function run(
	machine: Machine,
	instance: Instance,
	hook: BpfHook,
	build: BpfBuild,
	{ frame, context, environment, repeat = 1 }: RunOptions,
): RunResult {
	machine.hook = hook;
	machine.checked = build === 'checked';
	machine.environment = environment;
	machine.redirect = undefined;
	const { view } = machine.memory;
	view.setUint32(layout.redirected, 0, true);
	const jiffies = environment.jiffies();
	view.setUint32(layout.jiffies, jiffies, true);
	view.setUint32(layout.jiffies + 4, Math.floor(jiffies / 2 ** 32), true);
	if (hook === 'xdp') {
		machine.skb = undefined;
		enterXdp(machine, frame, context);
	} else machine.skb = enterSkb(machine, frame, context);
	try {
		const returnCode = instance.run(layout.context, repeat);
		const { skb, data, dataEnd } = machine;
		const redirect = returnCode === redirectCode[hook] ? redirectOf(machine) : undefined;
		const length = skb?.length ?? dataEnd - data;
		return {
			returnCode,
			frame: machine.memory.copy(data, length),
			...(redirect === undefined ? {} : { redirect }),
			...(skb === undefined ? {} : { skb: changedSkb(machine, skb) }),
			events: machine.ringBuffers.flatMap((ring) => ring.take()),
		};
	} finally {
		// What a program that was stopped left behind is no event.
		for (const ring of machine.ringBuffers) ring.clear();
		machine.place(layout.packet, layout.packet);
	}
}

function redirectOf({ memory, redirect }: Machine): BpfRedirect | undefined {
	const { view } = memory;
	if (view.getUint32(layout.redirected, true) === 0) return redirect;
	return {
		kind: 'device',
		device: view.getUint32(layout.redirectDevice, true),
		flags: view.getUint32(layout.redirectFlags, true),
	};
}
