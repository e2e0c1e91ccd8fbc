/**
 * The kernel proper out of a bzImage, so that a guest need not decompress it. The boot header is that of
 * Documentation/arch/x86/boot.rst: little endian, offsets from the start of the file.
 */
import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { EncapForwardError } from '../../src/error.ts';

const setupSectors = 0x1f1; // u8: 512 bytes each, after the first
const magic = 0x202; // "HdrS"
const payloadOffset = 0x248; // u32, from the end of the setup
const payloadLength = 0x24c; // u32

type Compression = 'gzip' | 'xz' | 'zstd' | 'lz4';

/** How the compressions begin; lz4 in its old frame. */
const magics: Readonly<Record<Compression, readonly number[]>> = {
	gzip: [0x1f, 0x8b],
	xz: [0xfd, 0x37, 0x7a, 0x58],
	zstd: [0x28, 0xb5, 0x2f, 0xfd],
	lz4: [0x02, 0x21, 0x4c, 0x18],
};

/** The compressed kernel in a bzImage, and by what. @throws EF_INPUT if it is none */
function payloadOf(image: Uint8Array): {
	readonly compression: Compression;
	readonly bytes: Uint8Array;
} {
	const view = new DataView(image.buffer, image.byteOffset, image.length);
	if (image.length < 0x250 || new TextDecoder().decode(image.subarray(magic, magic + 4)) !== 'HdrS') {
		throw new EncapForwardError('EF_INPUT', 'the kernel is no bzImage: its boot header is missing');
	}
	const start = (1 + (view.getUint8(setupSectors) || 4)) * 512 + view.getUint32(payloadOffset, true);
	const payload = image.subarray(start, start + view.getUint32(payloadLength, true));
	for (const [compression, bytes] of Object.entries(magics) as [Compression, readonly number[]][]) {
		if (!bytes.every((byte, index) => payload[index] === byte)) continue;
		// Behind all but gzip, which has it of its own, stands the length of what comes out.
		return { compression, bytes: compression === 'gzip' ? payload : payload.subarray(0, -4) };
	}
	throw new EncapForwardError('EF_INPUT', 'the kernel is compressed by none of gzip, xz, zstd and lz4');
}

/** The ELF file in a bzImage. @throws EF_INPUT, EF_NO_TOOL, EF_TOOL_FAILED */
export function vmlinuxOf(image: Uint8Array): Uint8Array {
	const { compression, bytes } = payloadOf(image);
	if (compression === 'gzip') return gunzipSync(bytes);
	const { status, stdout, stderr, error } = spawnSync(compression, ['-dc'], {
		input: bytes,
		maxBuffer: 1 << 30,
	});
	if (error !== undefined) {
		throw new EncapForwardError(
			'EF_NO_TOOL',
			`the program "${compression}" cannot be run; npm run setup installs it`,
		);
	}
	if (status !== 0) {
		throw new EncapForwardError('EF_TOOL_FAILED', `"${compression}" cannot decompress the kernel: ${stderr}`);
	}
	return stdout;
}
