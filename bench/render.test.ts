import { expect, test } from 'vitest';
import type { Figure } from './benchmark.ts';
import { figureJson, figureTable } from './render.ts';

const atLeast: Figure = {
	name: 'x',
	figure: 'a / b',
	value: 0.5,
	unit: 'ratio',
	target: { limit: '>=', value: 0.7 },
};

test.each([
	[0.7, '>=', true],
	[0.69, '>=', false],
	[0.7, '<=', true],
	[0.71, '<=', false],
	[null, '<=', false],
] as const)('%s is held to %s 0.7: %s', (value, limit, reached) => {
	expect(figureJson({ ...atLeast, value, target: { limit, value: 0.7 } }).reached).toBe(reached);
});

test('a figure without a target is only shown', () => {
	const { target: _, ...shown } = atLeast;
	expect(figureJson(shown)).toEqual({
		name: 'x',
		figure: 'a / b',
		value: 0.5,
		unit: 'ratio',
		target: null,
		reached: null,
	});
});

test('the table', () => {
	const missing: Figure = { ...atLeast, figure: 'time', value: null, unit: 's', note: 'not built' };
	expect(figureTable([atLeast, missing])).toBe(
		[
			'x      figure  target  reached',
			'a / b  0.500   >= 0.7  NO',
			'time   -       >= 0.7  NO       not built',
		].join('\n'),
	);
});
