/** Runs a program on a frame: put it and its context into the memory, call, and take out what became of them. */
import { redirectCode } from './helpers/redirect.ts';
import type { Instance } from './instantiate.ts';
import type { Machine } from './machine.ts';
import { layout } from './memory.ts';
import type { BpfBuild, BpfHook, RunOptions, RunResult } from './program.ts';
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
	if (hook === 'xdp') {
		machine.skb = undefined;
		enterXdp(machine, frame, context);
	} else machine.skb = enterSkb(machine, frame, context);
	try {
		let returnCode = 0;
		for (let left = repeat; left > 0; left--) returnCode = instance.run(layout.context);
		const { skb, data, dataEnd, redirect } = machine;
		const length = skb?.length ?? dataEnd - data;
		return {
			returnCode,
			frame: machine.memory.copy(data, length),
			...(redirect !== undefined && returnCode === redirectCode[hook] ? { redirect } : {}),
			...(skb === undefined ? {} : { skb: changedSkb(machine, skb) }),
			events: machine.ringBuffers.flatMap((ring) => ring.take()),
		};
	} finally {
		// What a program that was stopped left behind is no event.
		for (const ring of machine.ringBuffers) ring.clear();
		machine.place(layout.packet, layout.packet);
	}
}
