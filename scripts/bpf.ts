/**
 * Compiles every BPF source with the pinned clang and writes what TypeScript shares with them.
 * `npm run bpf` writes the objects and the layout; test/bpf/fresh.test.ts holds the committed ones to them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The compiler whose output is committed: `program --version` must name exactly this release. */
export const clang = { program: 'clang-19', strip: 'llvm-strip-19', version: '19.1.7' } as const;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Committed object, its source, and the folder whose hook.h it is compiled with. */
const objects = [
	{ object: 'bpf/objects/datapath-xdp.o', source: 'bpf/datapath.bpf.c', hook: 'bpf/xdp' },
	{ object: 'bpf/objects/datapath-tc.o', source: 'bpf/datapath.bpf.c', hook: 'bpf/tc' },
	{ object: 'bpf/objects/drops.o', source: 'bpf/drops.bpf.c' },
	{ object: 'bpf/objects/tracer.o', source: 'bpf/tracer.bpf.c' },
	{ object: 'bpf/objects/observer.o', source: 'bpf/observer.bpf.c' },
	{ object: 'bench/flood.o', source: 'bench/flood.bpf.c' },
	{ object: 'bpf/objects/marker.o', source: 'bpf/marker.bpf.c' },
	{ object: 'bench/rate.o', source: 'bench/rate.bpf.c' },
] as const;

const layoutFile = 'src/datapath/layout.ts';

function compile(source: string, hook: string | undefined, to: string): void {
	const flags = [
		'-target',
		'bpfel',
		'-mcpu=v3',
		'-O2',
		'-g',
		'-nostdinc',
		'-fno-strict-aliasing',
		'-fno-ident',
		'-fdebug-compilation-dir=.',
	];
	const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter'];
	const include = hook === undefined ? [] : ['-I', hook];
	execFileSync(clang.program, [...flags, ...warnings, ...include, '-c', source, '-o', to], {
		cwd: root,
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	execFileSync(clang.strip, ['--strip-debug', to]);
}

interface BtfType {
	readonly id: number;
	readonly kind: string;
	readonly name: string;
	readonly size: number;
	readonly type_id?: number;
	readonly nr_elems?: number;
	readonly values?: readonly { readonly name: string; readonly val: number }[];
	readonly members?: readonly {
		readonly name: string;
		readonly type_id: number;
		readonly bits_offset: number;
	}[];
}

/** TypeScript for the types that bpf/layout.bpf.c names, in its order. */
function layoutSource(object: string): string {
	const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', object], { encoding: 'utf8' });
	const types: readonly BtfType[] = (JSON.parse(dump) as { types: BtfType[] }).types;
	const byId = new Map(types.map((type) => [type.id, type]));
	const sizeOf = (id: number): number => {
		const type = byId.get(id);
		if (type === undefined) throw new Error(`no BTF type ${id}`);
		if (type.kind === 'ARRAY') return (type.nr_elems ?? 0) * sizeOf(type.type_id ?? 0);
		if (type.kind === 'TYPEDEF' || type.kind === 'CONST') return sizeOf(type.type_id ?? 0);
		return type.size;
	};
	const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
	const lines = [
		'/** The numbers and shapes that the BPF programs share with us. Written by `npm run bpf` from bpf/layout.bpf.c: do not edit. */',
	];
	for (const variable of types.filter((type) => type.kind === 'VAR')) {
		const type = byId.get(variable.type_id ?? 0);
		if (type?.kind === 'ENUM') {
			const values = type.values ?? [];
			const prefix = `${(values[0]?.name ?? '').split('_')[0]}_`;
			const names = values.filter((value) => value.name.startsWith(prefix));
			const dense = names.every((value, index) => value.val === index);
			const name = (value: { name: string }): string => value.name.slice(prefix.length).toLowerCase();
			if (dense) {
				lines.push('', `/** enum ${type.name}, by number. */`, `export const ${camel(type.name)}s = [`);
				for (const value of names) lines.push(`\t'${name(value).replaceAll('_', '-')}',`);
				lines.push('] as const;');
			} else {
				lines.push('', `/** enum ${type.name}. */`, `export const ${camel(type.name)}s = {`);
				for (const value of names) lines.push(`\t${camel(name(value))}: ${value.val},`);
				lines.push('} as const;');
			}
		} else if (type?.kind === 'STRUCT' && type.name !== '(anon)') {
			lines.push('', `/** struct ${type.name}: its bytes, and where its members stand. */`);
			lines.push(`export const ${camel(type.name)}Layout = {`, `\tsize: ${type.size},`);
			for (const member of type.members ?? []) {
				lines.push(
					`\t${camel(member.name)}: { offset: ${member.bits_offset / 8}, size: ${sizeOf(member.type_id)} },`,
				);
			}
			lines.push('} as const;');
		}
	}
	return `${lines.join('\n')}\n`;
}

/** Compile everything: file name relative to the repository, and the bytes it should hold. */
export function build(): Map<string, Buffer> {
	const version = execFileSync(clang.program, ['--version'], { encoding: 'utf8' });
	if (!version.includes(clang.version)) {
		throw new Error(`${clang.program} is not ${clang.version}: ${version.split('\n')[0]}`);
	}
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-bpf-'));
	try {
		const built = new Map<string, Buffer>();
		for (const { object, source, ...rest } of objects) {
			const to = join(folder, 'object.o');
			compile(source, 'hook' in rest ? rest.hook : undefined, to);
			built.set(object, readFileSync(to));
		}
		const layout = join(folder, 'layout.o');
		compile('bpf/layout.bpf.c', 'bpf/xdp', layout);
		built.set(layoutFile, Buffer.from(layoutSource(layout)));
		return built;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const [file, bytes] of build()) {
		mkdirSync(dirname(join(root, file)), { recursive: true });
		writeFileSync(join(root, file), bytes);
		console.log(`${file}  ${bytes.length} bytes`);
	}
}
