import { expect, test } from 'vitest';
import { newestRelease, seriesAmong } from './release.ts';

const names = [
	'linux-binary-6.19.14+deb13-cloud-amd64',
	'linux-binary-7.3.4+deb13-cloud-amd64',
	'linux-image-5.10.0-46-cloud-amd64',
	'linux-image-5.10.0-9-cloud-amd64',
	'linux-image-5.10.0-47-cloud-amd64-dbg',
	'linux-image-5.10.0-48-cloud-amd64-unsigned',
	'linux-image-6.1-cloud-amd64',
	'linux-image-6.1.0-0.deb11.60-cloud-amd64',
	'linux-image-6.1.0-56-cloud-amd64',
	'linux-image-6.12.107+deb12-cloud-amd64',
	'linux-image-6.12.99+deb12-cloud-amd64',
	'linux-image-7.3.4+deb13-cloud-amd64',
	'linux-modules-7.3.4+deb13-cloud-amd64',
];

test.for([
	['5.10', '5.10.0-46-cloud-amd64'],
	['6.1', '6.1.0-56-cloud-amd64'],
	['6.12', '6.12.107+deb12-cloud-amd64'],
	['6.19', '6.19.14+deb13-cloud-amd64'],
	['newest', '7.3.4+deb13-cloud-amd64'],
] as const)('%s is %s', ([series, name]) => {
	expect(newestRelease(names, series)?.name).toBe(name);
});

test('a release in several packages is all of them', () => {
	expect(newestRelease(names, 'newest')?.packages).toEqual([
		'linux-binary-7.3.4+deb13-cloud-amd64',
		'linux-image-7.3.4+deb13-cloud-amd64',
		'linux-modules-7.3.4+deb13-cloud-amd64',
	]);
});

test.for(['4.19', '6', '6.1.0', '', 'latest'])('there is no %j', (series) => {
	expect(newestRelease(names, series)).toBeUndefined();
});

test('the series there are', () => {
	expect(seriesAmong(names)).toEqual(['5.10', '6.1', '6.12', '6.19', '7.3']);
});
