/** All helpers, by their numbers in include/uapi/linux/bpf.h. */
import { legacyLoadHelper } from '../legacy-load.ts';
import { checksumHelpers } from './checksum.ts';
import { fibHelpers } from './fib.ts';
import { generalHelpers } from './general.ts';
import { legacyHelper } from './legacy.ts';
import { mapHelpers } from './map.ts';
import type { Helper } from './prototype.ts';
import { redirectHelpers } from './redirect.ts';
import { skbHelpers } from './skb.ts';
import { vlanHelpers } from './vlan.ts';
import { xdpHelpers } from './xdp.ts';

export const helpers: ReadonlyMap<number, Helper> = new Map([
	...mapHelpers,
	...generalHelpers,
	...checksumHelpers,
	...skbHelpers,
	...vlanHelpers,
	...xdpHelpers,
	...redirectHelpers,
	...fibHelpers,
	[legacyLoadHelper, legacyHelper],
]);
