import { expect, test } from 'vitest';
import { parseIpJson } from './ip.ts';

test('what a route encapsulates in does not hide where it leads', () => {
	const text =
		'[{"type":"unicast","dst":"9.9.9.9","encap":"ip","id":1,"src":"0.0.0.0","dst":"1.1.1.1","ttl":0,"tos":0,"tos":"0x08","dev":"eth0","flags":[]},{"dst":"8.8.8.8","dev":"eth1","nexthops":[{"encap":"mpls","dst":"100","dev":"eth2","flags":[]}]}]';
	expect(parseIpJson(text)).toEqual([
		{
			...{
				type: 'unicast',
				dst: '9.9.9.9',
				encap: 'ip',
				encap_id: 1,
				encap_src: '0.0.0.0',
				encap_dst: '1.1.1.1',
			},
			...{ encap_ttl: 0, encap_tos: 0, tos: '0x08', dev: 'eth0', flags: [] },
		},
		{
			...{ dst: '8.8.8.8', dev: 'eth1' },
			nexthops: [{ encap: 'mpls', encap_dst: '100', dev: 'eth2', flags: [] }],
		},
	]);
});

test('where ip prints nothing there is nothing', () => {
	expect(parseIpJson('')).toEqual([]);
});
