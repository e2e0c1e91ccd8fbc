/** Which function an address lies in, against lines of /proc/kallsyms picked by other means. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readSymbols } from '../../src/kernel/symbols.ts';
import { requires } from '../needs.ts';

/** Text symbols by grep and sort: address and name, in order of address. */
function sorted(): { readonly address: bigint; readonly name: string }[] {
	const text = execFileSync('sh', ['-c', "grep -i ' t ' /proc/kallsyms | sort"], {
		encoding: 'utf8',
		maxBuffer: 1 << 28,
	});
	return text
		.trimEnd()
		.split('\n')
		.map((line) => line.split(/\s/))
		.map(([address = '', , name = '']) => ({ address: BigInt(`0x${address}`), name }));
}

describe('symbols', requires('root'), () => {
	test('the first byte of a function, and any within it, are its own', ({ skip }) => {
		const lines = sorted();
		if (lines.at(-1)?.address === 0n) skip('the kernel hides addresses (kernel.kptr_restrict)');
		const find = readSymbols();
		for (let index = 1000; index + 1 < lines.length; index += Math.floor(lines.length / 12)) {
			const [line, next] = [lines[index], lines[index + 1]];
			if (line === undefined || next === undefined) continue;
			const names = lines.filter(({ address }) => address === line.address).map(({ name }) => plain(name));
			expect(names).toContain(find(line.address));
			if (next.address > line.address) expect(names).toContain(find(next.address - 1n));
		}
	});

	test('the function that drops for rp_filter is found by its name', ({ skip }) => {
		const line = sorted().find(({ name }) => plain(name) === 'ip_rcv_finish_core');
		if (line === undefined || line.address === 0n) return skip('the kernel hides it, or has inlined it');
		expect(readSymbols()(line.address + 5n)).toBe('ip_rcv_finish_core');
	});

	test('an address before every function has no name', () => {
		expect(readSymbols()(1n)).toBeUndefined();
	});
});

/** Without a compiler's suffix. */
function plain(name: string): string {
	return name.split('.')[0] ?? '';
}
