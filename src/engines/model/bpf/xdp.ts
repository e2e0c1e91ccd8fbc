/** A run at XDP: struct xdp_md and the buffer around the frame (struct xdp_buff). */
import { EncapForwardError } from '../../../error.ts';
import type { Machine } from './machine.ts';
import { layout, permission } from './memory.ts';
import type { XdpContext } from './program.ts';

/** sizeof(struct xdp_frame) */
export const xdpFrameBytes = 40;

/** XDP_PACKET_HEADROOM */
const defaultHeadroom = 256;

/** A page less headroom and struct skb_shared_info: what a driver's buffer of one page has room for. */
const pageRoom = 4096 - defaultHeadroom - 320;

/** Offset of the member `data_meta`: where what is kept before the frame begins, the frame itself where nothing is. */
export const xdpMetadata = 8;

const contextBytes = 24;

export function enterXdp(machine: Machine, frame: Uint8Array, context: XdpContext): void {
	const { memory } = machine;
	const { headroom = defaultHeadroom, tailroom = Math.max(pageRoom - frame.length, 0) } = context;
	const most = layout.packetTop - layout.packet;
	if (headroom > layout.packet - layout.packetBottom || frame.length + tailroom > most) {
		throw new EncapForwardError(
			'EF_INPUT',
			`a frame of ${frame.length} bytes with ${headroom} bytes before and ${tailroom} behind it is more than a buffer can be; give a shorter one`,
		);
	}
	memory.bytes.set(frame, layout.packet);
	machine.begin(layout.packet, layout.packet + frame.length);
	machine.hardEnd = layout.packet + frame.length + tailroom;
	const { view } = memory;
	view.setUint32(layout.hardStart, layout.packet - headroom, true);
	view.setUint32(layout.context + xdpMetadata, layout.packet, true);
	view.setUint32(layout.context + 12, context.ingressDevice, true);
	view.setUint32(layout.context + 16, context.queue ?? 0, true);
	view.setUint32(layout.context + 20, context.egressDevice ?? 0, true);
	if (machine.checked) {
		memory.permit(layout.context, layout.contextBytes, permission.none);
		memory.permit(layout.context, contextBytes, permission.read);
	}
}
