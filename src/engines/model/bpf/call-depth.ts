/** Calls of a program's own functions: the kernel allows eight frames, and no recursion. */
import { type Code, unsupported } from './code.ts';

/** MAX_CALL_FRAMES of the kernel's verifier. */
const mostFrames = 8;

/**
 * @param functions where each function begins, the program's own first
 * @param calls the functions that each calls
 * @throws EF_BPF_UNSUPPORTED
 */
export function requireShallowCalls(
	code: Code,
	functions: readonly number[],
	calls: readonly (readonly number[])[],
): void {
	/** Frames from each function on; 0 while they are being counted. */
	const frames = new Map<number, number>();
	const framesFrom = (number: number): number => {
		const known = frames.get(number);
		const start = functions[number] ?? 0;
		if (known === 0) throw unsupported(code, start, 'a function that calls itself');
		if (known !== undefined) return known;
		frames.set(number, 0);
		const deepest = Math.max(0, ...(calls[number] ?? []).map(framesFrom)) + 1;
		if (deepest > mostFrames) throw unsupported(code, start, `more than ${mostFrames} calls in each other`);
		frames.set(number, deepest);
		return deepest;
	};
	framesFrom(0);
}
