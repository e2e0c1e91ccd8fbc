/** VRF devices: net/l3mdev/l3mdev.c, drivers/net/vrf.c. */
import type { Skb } from './skb.ts';

/** l3mdev_ip_rcv(), l3mdev_ip6_rcv(): from here on the packet is at the VRF device. */
export function l3mdevIpRcv(skb: Skb): void {
	if (skb.device.master !== undefined) skb.device = skb.device.master;
}
