/** Which of a host's devices an address belongs to. */
import { maskBytes, parseIp, prefixContains } from '../packet/address.ts';
import type { Host } from './scenario.ts';

/** Every address of a host: its device, bytes, and the length of its on-link prefix. */
function addressesOf(host: Host) {
	return Object.entries(host.devices).flatMap(([device, { addresses }]) =>
		addresses.flatMap((text) => {
			const [address = '', length] = text.split('/');
			const ip = parseIp(address);
			return ip === undefined ? [] : [{ device, ...ip, length: Number(length) }];
		}),
	);
}

/** The device that has the address itself. */
export function ownerOf(host: Host, address: Uint8Array): string | undefined {
	return addressesOf(host).find(
		({ bytes }) => bytes.length === address.length && bytes.every((byte, index) => byte === address[index]),
	)?.device;
}

/** The device on whose link the address lies. */
export function onLinkDevice(host: Host, address: Uint8Array): string | undefined {
	return addressesOf(host).find(({ family, bytes, length }) =>
		prefixContains({ family, bytes: maskBytes(bytes, length), length }, address),
	)?.device;
}
