/** Bytes of a WebAssembly module, appended one after the other (WebAssembly Core Specification 2.0, chapter 5). */
export class WasmWriter {
	#bytes: Uint8Array;
	length = 0;

	constructor(capacity = 1024) {
		this.#bytes = new Uint8Array(capacity);
	}

	/** Have room for so many bytes more: it is the caller who asks, so that not every byte has to. */
	reserve(bytes: number): void {
		if (this.length + bytes <= this.#bytes.length) return;
		const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + bytes));
		grown.set(this.#bytes.subarray(0, this.length));
		this.#bytes = grown;
	}

	/** Into reserved room. */
	byte(value: number): void {
		this.#bytes[this.length++] = value;
	}

	/** Two bytes, and three: a cold start spends its time in calls. */
	two(first: number, second: number): void {
		const { length } = this;
		this.#bytes[length] = first;
		this.#bytes[length + 1] = second;
		this.length = length + 2;
	}

	three(first: number, second: number, third: number): void {
		const { length } = this;
		this.#bytes[length] = first;
		this.#bytes[length + 1] = second;
		this.#bytes[length + 2] = third;
		this.length = length + 3;
	}

	/** An opcode and its immediate, an unsigned number. */
	op(opcode: number, immediate: number): void {
		this.#bytes[this.length++] = opcode;
		if (immediate > 0x7f) this.unsigned(immediate);
		else this.#bytes[this.length++] = immediate;
	}

	/** LEB128 of an unsigned number of 32 bits. */
	unsigned(value: number): void {
		let rest = value;
		while (rest > 0x7f) {
			this.byte((rest & 0x7f) | 0x80);
			rest >>>= 7;
		}
		this.byte(rest);
	}

	/** LEB128 of a signed number of 32 bits; of the same value in 64 bits, too. */
	signed(value: number): void {
		if (value >= -0x40 && value < 0x40) {
			this.#bytes[this.length++] = value & 0x7f;
			return;
		}
		let rest = value;
		for (;;) {
			const low = rest & 0x7f;
			rest >>= 7;
			if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
				this.byte(low);
				return;
			}
			this.byte(low | 0x80);
		}
	}

	/** LEB128 of a signed number of 64 bits. */
	signed64(value: bigint): void {
		let rest = value;
		for (;;) {
			const low = Number(rest & 0x7fn);
			rest >>= 7n;
			if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
				this.byte(low);
				return;
			}
			this.byte(low | 0x80);
		}
	}

	i32(value: number): void {
		this.byte(0x41);
		this.signed(value);
	}

	i64(value: number): void {
		this.byte(0x42);
		this.signed(value);
	}

	text(value: string): void {
		const bytes = new TextEncoder().encode(value);
		this.reserve(5);
		this.unsigned(bytes.length);
		this.append(bytes);
	}

	append(bytes: Uint8Array): void {
		this.reserve(bytes.length);
		this.#bytes.set(bytes, this.length);
		this.length += bytes.length;
	}

	/** What was written, preceded by its length. */
	appendSized(part: WasmWriter): void {
		this.reserve(5);
		this.unsigned(part.length);
		this.append(part.written());
	}

	written(): Uint8Array {
		return this.#bytes.subarray(0, this.length);
	}
}
