/** A frame comes in by a device: the cable, XDP, the hook of TC, and then the stack. */
import { datapathDrop } from '../../journey/datapath-drop.ts';
import type { Decision, Outcome } from '../../journey/journey.ts';
import type { BpfRedirect, RunResult } from './bpf/program.ts';
import { frameOverhead, netifReceiveSkb, newSkb, skbVlanUntag } from './net/core/dev.ts';
import type { NetDevice } from './net/core/device.ts';
import { skbDoRedirect, veth, xdpDoRedirect } from './net/core/filter.ts';
import type { PacketType, Skb } from './net/core/skb.ts';
import { type Attached, runProgram } from './run-program.ts';
import type { Walk } from './walk.ts';

const xdpAction = { drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
/** TC_ACT_* */
const tcVerdict = { shot: 2, redirect: 7 } as const;
const packetTypes: readonly PacketType[] = ['host', 'broadcast', 'multicast', 'otherhost'];

/** The frame is sent at the far end of the device's cable. */
export function sendInto(
	walk: Walk,
	frame: Uint8Array,
	device: NetDevice,
	attached: Attached | undefined,
	mark: number,
): Outcome {
	if (device.far !== undefined) {
		const { name } = device.far;
		walk.sightings.push({
			place: 'sent',
			after: 0,
			namespace: 'host',
			device: name,
			frame,
			length: frame.length,
			packet: true,
		});
	}
	if (!device.up || !device.carrier) {
		walk.step(
			'veth_xmit',
			device,
			`${device.name} ${device.up ? 'has no carrier' : 'is down'}: nothing comes in by it`,
		);
		return walk.vanish();
	}
	if (frame.length > device.mtu + frameOverhead) {
		walk.step(
			'veth_xmit',
			device,
			`the frame is longer than ${device.name} takes, ${device.mtu + frameOverhead} bytes`,
		);
		return walk.vanish();
	}
	const xdp = attached?.device === device.name ? attached.xdp : undefined;
	if (xdp === undefined) return receive(walk, newSkb(frame, device, 0), attached, mark);
	const result = runProgram(walk, xdp, frame, device);
	const { returnCode, redirect } = result;
	walk.step('bpf_prog_run_xdp', device, describe(result.decision));
	switch (returnCode) {
		case xdpAction.pass:
			return receive(walk, newSkb(result.frame, device, 0), attached, mark);
		case xdpAction.tx:
			return veth(walk, result.frame, device);
		case xdpAction.redirect:
			return redirect === undefined ? walk.vanish() : xdpDoRedirect(walk, result.frame, device, redirect);
		case xdpAction.drop:
			return (
				(result.decision && datapathDrop('xdp', result.decision)) ??
				walk.drop(newSkb(frame, device, 0), {
					reason: 'NOT_SPECIFIED',
					where: 'veth_xdp_rcv_skb',
					cause: 'xdp-program',
				})
			);
		default:
			return walk.vanish();
	}
}

/** __netif_receive_skb_core(): seen, its VLAN tag taken out, given to the hook of TC, marked, and to the stack. */
function receive(walk: Walk, skb: Skb, attached: Attached | undefined, mark: number): Outcome {
	const { device } = skb;
	walk.see({ place: 'receive', device: device.name, frame: skb.data });
	skbVlanUntag(skb);
	const tc = attached?.device === device.name ? attached.tc : undefined;
	if (tc !== undefined) {
		const result = runProgram(walk, tc, skb.data, device, {
			protocol: skb.protocol,
			packetType: packetTypes.indexOf(skb.packetType),
			...(skb.vlan === undefined ? {} : { vlan: skb.vlan }),
		});
		walk.step('tcf_classify', device, describe(result.decision));
		applySkb(skb, result);
		const drop = result.decision && datapathDrop('tc', result.decision);
		if (drop !== undefined) {
			if (result.returnCode === tcVerdict.redirect)
				redirected(walk, { ...skb, isTail: false }, result.redirect, attached, mark);
			return drop;
		}
		if (result.returnCode === tcVerdict.shot)
			return walk.drop(skb, { reason: 'TC_INGRESS', where: 'sch_handle_ingress', cause: 'tc-program' });
		if (result.returnCode === tcVerdict.redirect)
			return redirected(walk, skb, result.redirect, attached, mark);
	}
	if (mark !== 0) skb.mark = mark;
	return netifReceiveSkb(walk, skb);
}

function redirected(
	walk: Walk,
	skb: Skb,
	redirect: BpfRedirect | undefined,
	attached: Attached | undefined,
	mark: number,
): Outcome {
	if (redirect === undefined) return walk.vanish();
	return skbDoRedirect(walk, skb, redirect, (again, device) =>
		receive(walk, { ...newSkb(again.data, device, again.mark) }, attached, mark),
	);
}

/** What a program at TC may have changed of the packet. */
function applySkb(skb: Skb, { frame, skb: changed }: RunResult): void {
	skb.data = frame;
	if (changed === undefined) return;
	skb.mark = changed.mark;
	skb.protocol = changed.protocol;
	skb.packetType = packetTypes[changed.packetType] ?? skb.packetType;
	skb.vlan = changed.vlan;
}

function describe(decision: Decision | undefined): string {
	return decision === undefined ? 'the program decides' : `the datapath decides: ${decision.outcome}`;
}
