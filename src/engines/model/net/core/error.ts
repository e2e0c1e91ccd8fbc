/** The errors of route lookups, by the kernel's names. */
export type Errno = 'EINVAL' | 'EHOSTUNREACH' | 'EACCES' | 'EAGAIN' | 'ENETUNREACH';

/** What a route type means for a lookup that finds it (fib_props, fib6_prop): undefined for one that is taken. */
export const routeErrors: Readonly<Record<string, Errno | undefined>> = {
	blackhole: 'EINVAL',
	unreachable: 'EHOSTUNREACH',
	prohibit: 'EACCES',
	throw: 'EAGAIN',
};
