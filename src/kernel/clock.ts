/** The clock that BPF programs tell the time by (bpf_ktime_get_ns), and what it says in dates. */

/** Nanoseconds of CLOCK_MONOTONIC. */
export function monotonicTime(): bigint {
	return process.hrtime.bigint();
}

/** Read once, so that what is a nanosecond later is so in dates too. */
const epoch = BigInt(Date.now()) * 1_000_000n - monotonicTime();

/** A time of that clock as nanoseconds since 1970. */
export function dateOf(time: bigint): bigint {
	return epoch + time;
}
