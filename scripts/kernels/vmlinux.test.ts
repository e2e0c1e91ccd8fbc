import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { vmlinuxOf } from './vmlinux.ts';

const setupSectors = 4;

/** A bzImage with this payload, by the fields of Documentation/arch/x86/boot.rst that are read. */
function image(payload: Uint8Array, sectors: number = setupSectors): Uint8Array {
	const setup = (1 + setupSectors) * 512;
	const bytes = new Uint8Array(setup + 16 + payload.length + 8);
	const view = new DataView(bytes.buffer);
	view.setUint8(0x1f1, sectors);
	bytes.set(Buffer.from('HdrS'), 0x202);
	view.setUint32(0x248, 16, true);
	view.setUint32(0x24c, payload.length, true);
	bytes.set(payload, setup + 16);
	return bytes;
}

const kernel = Buffer.from('\x7fELF and more of it');

test.for([setupSectors, 0])('a kernel compressed by gzip, with setup sectors %i', (sectors) => {
	expect(Buffer.from(vmlinuxOf(image(gzipSync(kernel), sectors)))).toEqual(kernel);
});

test('an unknown compression, and what is no kernel', () => {
	expect(() => vmlinuxOf(image(kernel))).toThrow('none of gzip, xz, zstd and lz4');
	expect(() => vmlinuxOf(kernel)).toThrow('no bzImage');
});
