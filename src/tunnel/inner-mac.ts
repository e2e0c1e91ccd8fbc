/** The Ethernet address of a tunnel's end, for the kinds that carry Ethernet. */

/**
 * 02:00 and the last four bytes of the end's IP address, 4 or 16 bytes: locally administered (RFC 9542), the
 * same wherever it is computed, and another for each end, so that a receiver that learns addresses keeps the
 * ends apart. A Linux receiver takes a packet only if its device has this address:
 * `ip link add vxlan0 address 02:00:0a:0b:02:01 type vxlan ...` for 10.11.2.1.
 */
export function innerMac(address: Uint8Array): Uint8Array {
	const mac = new Uint8Array(6);
	mac[0] = 2;
	mac.set(address.subarray(-4), 2);
	return mac;
}
