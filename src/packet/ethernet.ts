/** Ethernet II header, with one optional IEEE 802.1Q tag. */
import { formatMac } from './address.ts';
import { concatenate, requireLength, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { etherType, etherTypeName } from './protocol.ts';

/** Bytes of the header without a tag. */
export const ethernetLength = 14;
const tagLength = 4;

/** Tag control information of IEEE 802.1Q: priority 0..7, id 0..4095. */
export interface VlanTag {
	readonly priority: number;
	readonly dropEligible: boolean;
	readonly id: number;
}

/** Addresses are 6 bytes; `etherType` is that of the payload, behind the tag if there is one. */
export interface EthernetHeader {
	readonly destination: Uint8Array;
	readonly source: Uint8Array;
	readonly vlan?: VlanTag;
	readonly etherType: number;
}

function readTag(control: number): VlanTag {
	return { priority: control >> 13, dropEligible: (control & 0x1000) !== 0, id: control & 0x0fff };
}

/** The payload may end in padding: the frame does not say. The results share the bytes given. */
export function decodeEthernet(
	bytes: Uint8Array,
): { readonly header: EthernetHeader; readonly payload: Uint8Array } | undefined {
	if (bytes.length < ethernetLength) return undefined;
	const view = viewOf(bytes);
	const outer = {
		destination: bytes.subarray(0, 6),
		source: bytes.subarray(6, 12),
		etherType: view.getUint16(12),
	};
	if (outer.etherType !== etherType.vlan) return { header: outer, payload: bytes.subarray(ethernetLength) };
	if (bytes.length < ethernetLength + tagLength) return undefined;
	return {
		header: { ...outer, vlan: readTag(view.getUint16(14)), etherType: view.getUint16(16) },
		payload: bytes.subarray(ethernetLength + tagLength),
	};
}

/** Adds neither padding nor frame check sequence. */
export function encodeEthernet(header: EthernetHeader, payload: Uint8Array): Uint8Array {
	requireLength('Ethernet destination', header.destination, 6);
	requireLength('Ethernet source', header.source, 6);
	const bytes = new Uint8Array(ethernetLength + (header.vlan ? tagLength : 0));
	const view = viewOf(bytes);
	bytes.set(header.destination, 0);
	bytes.set(header.source, 6);
	if (header.vlan) {
		const { priority, dropEligible, id } = header.vlan;
		view.setUint16(12, etherType.vlan);
		view.setUint16(14, ((priority & 7) << 13) | (dropEligible ? 0x1000 : 0) | (id & 0x0fff));
	}
	view.setUint16(bytes.length - 2, header.etherType);
	return concatenate([bytes, payload]);
}

/** The untagged header; a tag is a layer of its own. */
export const dissectEthernet: Dissector = (bytes, carrier) => {
	if (bytes.length < ethernetLength) return `Ethernet header needs 14 bytes, ${bytes.length} here`;
	const destination = formatMac(bytes.subarray(0, 6));
	const source = formatMac(bytes.subarray(6, 12));
	const number = viewOf(bytes).getUint16(12);
	return {
		protocol: 'ethernet',
		length: ethernetLength,
		end: bytes.length,
		summary: `Ethernet ${source} > ${destination}, ethertype ${etherTypeName(number)}`,
		brief: '',
		fields: fieldsOf({ source, destination, ethertype: etherTypeName(number) }),
		next: { space: 'ethertype', number, carrier: { cut: carrier.cut } },
	};
};

/** The four bytes behind ethertype 0x8100: tag control information and the next ethertype. */
export const dissectVlan: Dissector = (bytes, carrier) => {
	if (bytes.length < tagLength) return `VLAN tag needs 4 bytes, ${bytes.length} here`;
	const view = viewOf(bytes);
	const { id, priority, dropEligible } = readTag(view.getUint16(0));
	const number = view.getUint16(2);
	return {
		protocol: 'vlan',
		length: tagLength,
		end: bytes.length,
		summary: `VLAN ${id}, priority ${priority}${dropEligible ? ', drop eligible' : ''}, ethertype ${etherTypeName(number)}`,
		brief: `VLAN ${id}`,
		fields: fieldsOf({ id, priority, 'drop eligible': dropEligible, ethertype: etherTypeName(number) }),
		next: { space: 'ethertype', number, carrier: { cut: carrier.cut } },
	};
};
