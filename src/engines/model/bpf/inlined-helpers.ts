/**
 * Helpers that take less time than a call of JavaScript does, written in place, as the kernel's verifier inlines
 * some: looking up an element of an array, the ticks, a redirect to a device, and moving the frame's beginning.
 */
import { emitAddress } from './access.ts';
import { type Emitter, getRegister, getWord, scratch, setRegister } from './emitter.ts';
import { errno } from './errno.ts';
import { redirectCode } from './helpers/redirect.ts';
import type { Known, KnownRegisters } from './known.ts';
import { ArrayMap, DeviceMap } from './maps/array.ts';
import { layout } from './memory.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';
import { xdpFrameBytes, xdpMetadata } from './xdp.ts';

/** By their numbers. */
const helper = { mapLookup: 1, redirect: 23, adjustHead: 44, jiffies: 118 } as const;

/** False where the helper is to be called. @param byCall writes its call, and leaves its i32 on the stack */
export function emitInlined(
	emitter: Emitter,
	number: number,
	at: number,
	known: () => KnownRegisters,
	byCall: () => void,
): boolean {
	switch (number) {
		case helper.mapLookup:
			return emitArrayLookup(emitter, known()[1], at);
		case helper.jiffies:
			emitFixed(emitter, wasm.i64Load, layout.jiffies);
			setRegister(emitter, 0);
			return true;
		case helper.redirect:
			emitRedirect(emitter, byCall);
			return true;
		case helper.adjustHead:
			// A checked build keeps account of what is the frame's.
			if (emitter.checkedBits !== undefined) return false;
			emitAdjustHead(emitter, byCall);
			return true;
		default:
			return false;
	}
}

/** Load from a fixed address, or store there what `value` pushes. */
function emitFixed({ out }: Emitter, opcode: number, address: number, value?: () => void): void {
	out.i32(0);
	value?.();
	out.byte(opcode);
	out.byte(0);
	out.unsigned(address);
}

function emitArrayLookup(emitter: Emitter, first: Known | undefined, at: number): boolean {
	const { out } = emitter;
	const map = first?.kind === 'map' ? emitter.map(first.handle) : undefined;
	if (!(map instanceof ArrayMap) || map instanceof DeviceMap) return false;
	const rest = emitAddress(emitter, 2, 0, 4, false, at);
	out.byte(wasm.i32Load);
	out.byte(0);
	out.unsigned(rest);
	out.op(wasm.localTee, scratch.otherWord);
	out.i32(map.entries);
	out.byte(wasm.i32LtU);
	out.byte(wasm.if);
	out.byte(wasmType.i64);
	out.op(wasm.localGet, scratch.otherWord);
	out.i32(map.values.stride);
	out.byte(wasm.i32Mul);
	out.i32(map.values.base);
	out.byte(wasm.i32Add);
	out.byte(wasm.i64ExtendI32U);
	out.byte(wasm.else);
	out.i64(0);
	out.byte(wasm.end);
	setRegister(emitter, 0);
	return true;
}

/** bpf_redirect without flags: note where, and return the hook's code. */
function emitRedirect(emitter: Emitter, byCall: () => void): void {
	const { out } = emitter;
	getRegister(emitter, 2);
	out.byte(wasm.i64Eqz);
	out.byte(wasm.if);
	out.byte(wasmType.i32);
	emitFixed(emitter, wasm.i32Store, layout.redirected, () => out.i32(1));
	emitFixed(emitter, wasm.i32Store, layout.redirectDevice, () => getWord(emitter, 1));
	emitFixed(emitter, wasm.i32Store, layout.redirectFlags, () => out.i32(0));
	out.i32(redirectCode[emitter.hook]);
	out.byte(wasm.else);
	byCall();
	out.byte(wasm.end);
	out.byte(wasm.i64ExtendI32S);
	setRegister(emitter, 0);
}

const ethernetBytes = 14;

/** bpf_xdp_adjust_head of a frame without metadata. */
function emitAdjustHead(emitter: Emitter, byCall: () => void): void {
	const { out } = emitter;
	const [data, dataEnd, metadata] = [0, 4, xdpMetadata].map((offset) => layout.context + offset);
	const load = (address = 0): void => emitFixed(emitter, wasm.i32Load, address);
	const moved = (): void => out.op(wasm.localGet, scratch.word);
	load(data);
	load(metadata);
	out.byte(wasm.i32Ne);
	out.byte(wasm.if);
	out.byte(wasmType.i32);
	byCall();
	out.byte(wasm.else);
	load(data);
	getWord(emitter, 2);
	out.byte(wasm.i32Add);
	out.op(wasm.localTee, scratch.word);
	load(layout.hardStart);
	out.i32(xdpFrameBytes);
	out.byte(wasm.i32Add);
	out.byte(wasm.i32LtS);
	moved();
	load(dataEnd);
	out.i32(ethernetBytes);
	out.byte(wasm.i32Sub);
	out.byte(wasm.i32GtS);
	out.byte(wasm.i32Or);
	out.byte(wasm.if);
	out.byte(wasmType.i32);
	out.i32(-errno.EINVAL);
	out.byte(wasm.else);
	for (const address of [data, metadata]) emitFixed(emitter, wasm.i32Store, address ?? 0, moved);
	out.i32(0);
	out.byte(wasm.end);
	out.byte(wasm.end);
	out.byte(wasm.i64ExtendI32S);
	setRegister(emitter, 0);
}
