import { expect, test } from 'vitest';
import { etherType, etherTypeName, ipProtocol, ipProtocolName, protocolTypeName } from './protocol.ts';

test('every number has a name', () => {
	for (const number of Object.values(etherType))
		expect(etherTypeName(number)).toMatch(/^\w+ \(0x[0-9a-f]{4}\)$/);
	for (const number of Object.values(ipProtocol)) expect(ipProtocolName(number)).toMatch(/^[\w -]+ \(\d+\)$/);
});

test('numbers without a name', () => {
	expect(etherTypeName(0x88b5)).toBe('0x88b5');
	expect(etherTypeName(46)).toBe('802.3 length 46');
	expect(protocolTypeName(46)).toBe('0x002e');
	expect(protocolTypeName(0x88b5)).toBe('0x88b5');
	expect(ipProtocolName(253)).toBe('253');
});
