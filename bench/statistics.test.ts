import { expect, test } from 'vitest';
import { median, quantile, spread } from './statistics.ts';

test('the median of an odd number is the middle one, of an even number the mean of the middle two', () => {
	expect(median([5, 1, 3])).toBe(3);
	expect(median([10, 1, 3, 2])).toBe(2.5);
	expect(median([])).toBeNaN();
});

test('numbers are sorted as numbers', () => {
	expect(median([100, 20, 3])).toBe(20);
});

test('the spread is between the quartiles and leaves outliers out', () => {
	expect(spread([9, 2, 3, 4, 5, 6, 7, 8, 1000])).toBe('half within 4.000 to 8.000');
});

test('a quantile', () => {
	const values = [9, 3, 1, 7, 5, 2, 8, 6, 4, 0];
	expect([0, 0.1, 0.5, 0.99].map((share) => quantile(values, share))).toEqual([0, 1, 5, 9]);
	expect(quantile([], 0.1)).toBeNaN();
});
