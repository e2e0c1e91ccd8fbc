/** Random routing rules. */
import type { Family } from '../../packet/address.ts';
import type { Rule } from '../scenario.ts';
import { matchPrefix } from './addresses.ts';
import { tables } from './routes.ts';
import type { Source } from './source.ts';
import type { World } from './world.ts';

/** Marks that packets have and rules match. */
export const marks = [0x1, 0x2, 0x100, 0xffffffff] as const;

/** The rules of a family that a namespace starts with, the first not always in its place. */
function initial(source: Source, family: Family): Rule[] {
	const lookup = (priority: number, table: number): Rule => ({ family, priority, action: 'lookup', table });
	const local = source.weigh([
		[90, [lookup(0, 255)]],
		[7, [lookup(150, 255)]],
		[3, []],
	]);
	return [
		...local,
		...(source.percent(96) ? [lookup(32766, 254)] : []),
		...(family === 'ipv4' ? [lookup(32767, 253)] : []),
	];
}

function selectors(source: Source, world: World, family: Family): Partial<Rule> {
	const devices = Object.keys(world.router);
	const one = (): Partial<Rule> =>
		source.choose<Partial<Rule>>([
			[20, () => ({ from: matchPrefix(source, world, family) })],
			[20, () => ({ to: matchPrefix(source, world, family) })],
			[15, () => ({ iif: source.anyOf([...devices, 'lo']) ?? 'lo' })],
			[4, () => ({ oif: source.anyOf(devices) ?? 'lo' })],
			[
				25,
				() => ({
					mark: source.pick(marks),
					...(source.percent(40) ? { markMask: source.pick([0xff, 0x1, 0xffffffff]) } : {}),
				}),
			],
			[6, () => ({ tos: source.pick([0x08, 0x10]) })],
			[8, () => ({ protocol: source.pick([1, 6, 17, 58, 4, 41, 47]) })],
			[5, () => ({ sourcePorts: source.pick([[1000, 2000] as const, [5000, 5000] as const]) })],
			[5, () => ({ destinationPorts: source.pick([[53, 53] as const, [4000, 7000] as const]) })],
		]);
	return {
		...one(),
		...(source.percent(25) ? one() : {}),
		...(source.percent(12) ? { invert: true } : {}),
	};
}

function action(source: Source, priority: number): Pick<Rule, 'action' | 'table' | 'goto'> & Partial<Rule> {
	return source.choose<Pick<Rule, 'action'> & Partial<Rule>>([
		[
			70,
			() => ({
				action: 'lookup',
				table: source.pick([...tables, 254, 253, 255]),
				...(source.percent(12) ? { suppressPrefixLength: source.pick([0, 8, 24]) } : {}),
			}),
		],
		[6, () => ({ action: 'goto', goto: priority < 32766 ? 32766 : 32767 })],
		[4, () => ({ action: 'nop' })],
		[7, () => ({ action: 'blackhole' })],
		[7, () => ({ action: 'unreachable' })],
		[6, () => ({ action: 'prohibit' })],
	]);
}

function ofFamily(source: Source, world: World, family: Family): Rule[] {
	const own = Array.from({ length: source.below(4) }, (): Rule => {
		const priority = source.pick([10, 100, 200, 1000, 32000]);
		return {
			family,
			priority,
			...action(source, priority),
			...(source.percent(92) ? selectors(source, world, family) : {}),
		};
	});
	return [...initial(source, family), ...own].toSorted((a, b) => a.priority - b.priority);
}

/** Undefined where the host has those it starts with. */
export function randomRules(source: Source, world: World): readonly Rule[] | undefined {
	if (!world.rules || source.percent(25)) return undefined;
	return [...ofFamily(source, world, 'ipv4'), ...ofFamily(source, world, 'ipv6')];
}
