/** What the drivers of a namespace's devices can do for XDP: generic netlink, family `netdev`, Linux 6.3. */
import type { Namespace } from './namespace.ts';
import { openNetlink, readAttributes } from './netlink.ts';

const genericNetlink = 16; // NETLINK_GENERIC
const control = 0x10; // GENL_ID_CTRL
const [getFamily, familyId, familyName] = [3, 1, 2]; // CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, _NAME
const [getDevice, deviceIndex, xdpFeatures] = [1, 1, 3]; // NETDEV_CMD_DEV_GET, NETDEV_A_DEV_IFINDEX, _XDP_FEATURES
/** struct genlmsghdr */
const headerBytes = 4;

/** Of enum netdev_xdp_act: frames of others can be redirected into the device. */
const takesRedirected = 1n << 2n; // NETDEV_XDP_ACT_NDO_XMIT

/**
 * The devices that XDP can redirect into, as they are now: a veth does only while its peer has an XDP program
 * or GRO. Undefined where the kernel does not tell.
 */
export function redirectTargets(namespace: Namespace): ReadonlySet<number> | undefined {
	const netlink = openNetlink(namespace, genericNetlink);
	const dump = (type: number, command: number, what: string): ReadonlyMap<number, Uint8Array>[] =>
		netlink
			.dump({ type, flags: 0, body: Uint8Array.of(command, 1, 0, 0), what })
			.map((body) => readAttributes(body.subarray(headerBytes)));
	try {
		const family = dump(control, getFamily, 'list its families of generic netlink').find(
			(attributes) => new TextDecoder().decode(attributes.get(familyName)) === 'netdev\0',
		);
		const id = family?.get(familyId);
		if (id === undefined) return undefined;
		const devices = dump(viewOf(id).getUint16(0, true), getDevice, 'tell what its devices can do for XDP');
		const able = devices.filter((attributes) => {
			const features = attributes.get(xdpFeatures);
			return features !== undefined && (viewOf(features).getBigUint64(0, true) & takesRedirected) !== 0n;
		});
		return new Set(able.map((attributes) => viewOf(attributes.get(deviceIndex)).getUint32(0, true)));
	} finally {
		netlink.close();
	}
}

function viewOf(bytes: Uint8Array = new Uint8Array(8)): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
