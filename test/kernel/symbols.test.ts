/** Which function an address lies in, against lines of /proc/kallsyms picked by other means. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readSymbols } from '../../src/kernel/symbols.ts';
import { requires } from '../needs.ts';

interface Line {
	/** As it is written, so that equal ones are equal. */
	readonly address: string;
	readonly name: string;
}

/** Text symbols, weak ones too, by grep and sort: in order of address. */
function sorted(): readonly Line[] {
	const text = execFileSync('sh', ['-c', "grep -i ' [tw] ' /proc/kallsyms | sort"], {
		encoding: 'utf8',
		maxBuffer: 1 << 28,
	});
	return text
		.trimEnd()
		.split('\n')
		.map((line) => ({ address: line.slice(0, 16), name: line.slice(19).split('\t')[0] ?? '' }));
}

const numberOf = ({ address }: Line): bigint => BigInt(`0x${address}`);

describe('symbols', requires('root'), () => {
	test('the first byte of a function, and any within it, are its own', ({ skip }) => {
		const lines = sorted();
		if (/^0+$/.test(lines.at(-1)?.address ?? '')) skip('the kernel hides addresses (kernel.kptr_restrict)');
		const find = readSymbols();
		for (let index = 1000; index + 1 < lines.length; index += Math.floor(lines.length / 5)) {
			const [line, next] = [lines[index], lines[index + 1]];
			if (line === undefined || next === undefined) continue;
			const names = lines.filter(({ address }) => address === line.address).map(({ name }) => plain(name));
			expect(names).toContain(find(numberOf(line)));
			if (next.address > line.address) expect(names).toContain(find(numberOf(next) - 1n));
		}
	});

	test('the function that drops for rp_filter is found by its name', ({ skip }) => {
		const line = sorted().find(({ name }) => plain(name) === 'ip_rcv_finish_core');
		if (line === undefined || numberOf(line) === 0n) return skip('the kernel hides it, or has inlined it');
		expect(readSymbols()(numberOf(line) + 5n)).toBe('ip_rcv_finish_core');
	});

	test('an address before every function has no name', () => {
		expect(readSymbols()(1n)).toBeUndefined();
	});
});

/** Without a compiler's suffix. */
function plain(name: string): string {
	return name.split('.')[0] ?? '';
}
