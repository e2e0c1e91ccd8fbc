/** Error numbers that helpers return, negated (include/uapi/asm-generic/errno.h; ENOTSUPP: include/linux/errno.h). */
export const errno = {
	ENOENT: 2,
	E2BIG: 7,
	ENOMEM: 12,
	EACCES: 13,
	EFAULT: 14,
	EEXIST: 17,
	ENODEV: 19,
	EINVAL: 22,
	ENOSPC: 28,
	EPROTO: 71,
	EOPNOTSUPP: 95,
	EAFNOSUPPORT: 97,
	EALREADY: 114,
	ENOTSUPP: 524,
} as const;

/** The name of a helper's negative result. */
export function errnoName(result: number): string {
	const found = Object.entries(errno).find(([, number]) => number === -result);
	return found === undefined ? `error ${-result}` : found[0];
}
