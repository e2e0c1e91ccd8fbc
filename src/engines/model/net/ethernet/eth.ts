/** net/ethernet/eth.c */
import { sameBytes } from '../core/address.ts';
import type { NetDevice } from '../core/device.ts';
import type { PacketType, Skb } from '../core/skb.ts';

/** eth_type_trans(): whom the frame is for, and what is in it. */
export function ethTypeTrans(data: Uint8Array, device: NetDevice): Pick<Skb, 'packetType' | 'protocol'> {
	return { packetType: packetTypeOf(data, device), protocol: ((data[12] ?? 0) << 8) | (data[13] ?? 0) };
}

function packetTypeOf(data: Uint8Array, device: NetDevice): PacketType {
	const destination = data.subarray(0, 6);
	if (sameBytes(destination, device.mac)) return 'host';
	if (((destination[0] ?? 0) & 1) === 0) return 'otherhost';
	return destination.every((byte) => byte === 0xff) ? 'broadcast' : 'multicast';
}
