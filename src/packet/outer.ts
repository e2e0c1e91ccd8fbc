/** The addresses of a frame's outermost IP header. */
import { dissect } from './dissect.ts';

/** 4 or 16 bytes each; undefined when the frame has no IP header. They share the frame's bytes. */
export function outerAddresses(
	frame: Uint8Array,
): { readonly source: Uint8Array; readonly destination: Uint8Array } | undefined {
	const ip = dissect(frame).find(({ protocol }) => protocol === 'ipv4' || protocol === 'ipv6');
	if (ip === undefined) return undefined;
	const [at, bytes] = ip.protocol === 'ipv4' ? [12, 4] : [8, 16];
	const source = ip.offset + at;
	return {
		source: frame.subarray(source, source + bytes),
		destination: frame.subarray(source + bytes, source + 2 * bytes),
	};
}
