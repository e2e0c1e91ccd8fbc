/** Loads a program of a compiled object. */
import { EncapForwardError } from '../../../error.ts';
import { requireNoCoRe } from './core-relocations.ts';
import { type Instance, instantiate } from './instantiate.ts';
import { link } from './link.ts';
import { Machine } from './machine.ts';
import { createMap, mapBytes } from './maps/create.ts';
import { MemoryMap } from './maps/map.ts';
import { BpfMemory } from './memory.ts';
import { type ObjectFile, type ProgramSymbol, readObject } from './object.ts';
import type { BpfHook, BpfMap, BpfProgram, LoadProgramOptions } from './program.ts';
import { run } from './run.ts';
import { Variables, variableBytes } from './variables.ts';

const defaultFuel = 1_000_000;

/** Programs that share a map share the machine it is on. */
const machines = new WeakMap<BpfMemory, Machine>();

/**
 * @throws EF_NO_OBJECT for a damaged or foreign file, EF_BPF_UNSUPPORTED for what the engine does not know,
 * EF_INPUT for a program, map or variable that the object does not have
 */
export function loadProgram(options: LoadProgramOptions): BpfProgram {
	const { build = 'checked', fuel = defaultFuel, constants = {} } = options;
	const object = readObject(options.object);
	const { program, hook } = chooseProgram(object, options.program);
	requireNoCoRe(object, program);
	const shared = sharedMaps(object, options.maps ?? {});
	const definitions = object.maps
		.filter(({ name }) => !shared.has(name))
		.map((definition) => ({
			...definition,
			entries: options.entries?.[definition.name] ?? definition.entries,
		}));
	const bytes = definitions.reduce((sum, definition) => sum + mapBytes(definition), variableBytes(object));
	const machine = machineOf([...shared.values()], bytes);
	const maps = new Map<string, MemoryMap>(shared);
	for (const definition of definitions) {
		const map = createMap(definition, machine.memory);
		machine.add(map);
		maps.set(definition.name, map);
	}
	const variables = new Variables(object, machine.memory, constants);
	const code = link(object, program, {
		mapHandle: (offset) => {
			const map = maps.get(object.maps.find((each) => each.offset === offset)?.name ?? '');
			return map === undefined ? undefined : machine.handle(map);
		},
		section: (number) => variables.address(number),
	});
	const instance: Instance = instantiate(code, machine, { build, fuel, hook, name: program.name });
	return {
		name: program.name,
		hook,
		maps: Object.fromEntries(maps),
		run: (runOptions) => run(machine, instance, hook, build, runOptions),
		setVariable: (name, value) => variables.set(name, value),
		reset: () => {
			for (const map of maps.values()) map.clear();
			variables.reset();
		},
	};
}

function chooseProgram(
	{ programs, elf }: ObjectFile,
	wanted: string | undefined,
): { program: ProgramSymbol; hook: BpfHook } {
	const names = programs.map(({ name }) => name).join(', ');
	const [program, other] = programs.filter(({ name }) => wanted === undefined || name === wanted);
	if (program === undefined) {
		throw new EncapForwardError(
			'EF_INPUT',
			`the BPF object has no program${wanted === undefined ? '' : ` ${wanted}; it has: ${names}`}`,
		);
	}
	if (other !== undefined) {
		throw new EncapForwardError('EF_INPUT', `the BPF object has several programs: choose one of ${names}`);
	}
	if (program.hook === undefined) {
		throw new EncapForwardError(
			'EF_BPF_UNSUPPORTED',
			`the model's BPF engine runs programs at XDP and TC: ${program.name} is of section ${elf.sections[program.section]?.name}`,
		);
	}
	return { program, hook: program.hook };
}

/** Held to what the object says of them. */
function sharedMaps(object: ObjectFile, maps: Readonly<Record<string, BpfMap>>): Map<string, MemoryMap> {
	return new Map(
		Object.entries(maps).map(([name, map]) => {
			const definition = object.maps.find((each) => each.name === name);
			if (definition === undefined || !(map instanceof MemoryMap)) {
				const known = object.maps.map((each) => each.name).join(', ');
				throw new EncapForwardError('EF_INPUT', `there is no map ${name} to share; the object has: ${known}`);
			}
			const { kind, keyBytes, valueBytes } = definition;
			if (map.kind !== kind || map.keyBytes !== keyBytes || map.valueBytes !== valueBytes) {
				throw new EncapForwardError(
					'EF_INPUT',
					`the map ${name} is shared as ${map.kind} with keys of ${map.keyBytes} and values of ${map.valueBytes} bytes, but is ${kind} with ${keyBytes} and ${valueBytes}`,
				);
			}
			return [name, map];
		}),
	);
}

function machineOf(maps: readonly MemoryMap[], heapBytes: number): Machine {
	const [first] = maps;
	if (maps.some(({ memory }) => memory !== first?.memory)) {
		throw new EncapForwardError(
			'EF_INPUT',
			'the shared maps are of programs that share nothing; share those of one',
		);
	}
	const known = first === undefined ? undefined : machines.get(first.memory);
	if (known !== undefined) return known;
	const machine = new Machine(new BpfMemory(heapBytes));
	machines.set(machine.memory, machine);
	return machine;
}
