/** What the forwarder's commands say to people. */
import type { Applied } from './apply.ts';
import type { Attachment } from './pins.ts';
import type { Removed } from './remove.ts';

const places: Readonly<Record<Attachment['place'], string>> = {
	'xdp-native': 'XDP (native)',
	'xdp-generic': 'XDP (generic)',
	tcx: 'TCX',
	clsact: 'TC (clsact filter)',
};

/** `veth0: XDP (native), TCX` */
export function placesText(name: string, list: readonly Attachment['place'][]): string {
	const texts = [...list]
		.sort()
		.reverse()
		.map((place) => places[place]);
	return `${name}: ${texts.join(', ') || 'nothing attached'}`;
}

/** `1 tunnel`, `2 tunnels` */
export function counted(number: number | bigint, what: string): string {
	return `${number} ${what}${Number(number) === 1 ? '' : 's'}`;
}

export function appliedText({ started, interfaces, removedInterfaces, tunnels }: Applied): string[] {
	const { added, changed, removed, total } = tunnels;
	const changes = started ? '' : ` (${added} added, ${changed} changed, ${removed} removed)`;
	return [
		`The forwarder is up with ${counted(total, 'tunnel')}${changes}.`,
		...interfaces.map(({ name, places: list }) => `  ${placesText(name, list)}`),
		...removedInterfaces.map((name) => `  ${name}: removed`),
	];
}

export function removedText({ found, interfaces }: Removed): string[] {
	if (!found) return ['There was no forwarder: nothing to remove.'];
	return [
		'The forwarder is down.',
		...interfaces.map(({ name, places: list }) => `  ${placesText(name, list)}: removed`),
	];
}
