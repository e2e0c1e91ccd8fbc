import { expect, test } from 'vitest';
import { parseListen } from './listen.ts';

test.each([
	['127.0.0.1:9810', { host: '127.0.0.1', port: 9810 }],
	['[::1]:9810', { host: '::1', port: 9810 }],
	['localhost:0', { host: 'localhost', port: 0 }],
	['::1:9810', undefined],
	['127.0.0.1', undefined],
	[':9810', undefined],
	['127.0.0.1:65536', undefined],
	['127.0.0.1:-1', undefined],
	['', undefined],
])('%j', (text, listen) => {
	expect(parseListen(text)).toEqual(listen);
});
