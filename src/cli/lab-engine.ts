/** Which engine tries the lab's packets: the one asked for, or the best there is. */
import { datapathObjects } from '../datapath/object-bytes.ts';
import type { Engine } from '../engines/engine.ts';
import { openDatapaths } from '../engines/model/datapath.ts';
import { openModelEngine } from '../engines/model/engine.ts';
import { EncapForwardError, type ErrorCode } from '../error.ts';
import type { Output } from './context.ts';

export interface EngineFlags {
	readonly engine?: 'linux' | 'model';
	readonly kernel?: string;
}

/** What stands in the way of the real kernel, and not of the model. */
const inTheWay: ReadonlySet<ErrorCode> = new Set([
	'EF_NOT_LINUX',
	'EF_PERMISSION',
	'EF_NO_TOOL',
	'EF_NO_LIBBPF',
	'EF_NO_BTF',
	'EF_KERNEL_FEATURE',
	'EF_BPF_LOAD',
]);

/** @throws EF_CONTRADICTION, EF_INPUT, and what the engine throws that was asked for */
export async function openLabEngine(flags: EngineFlags, output: Output): Promise<Engine> {
	const { engine, kernel } = flags;
	if (engine === 'model' || (engine === undefined && kernel !== undefined)) return model(kernel);
	if (kernel !== undefined) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			'--engine linux is the running kernel and --kernel another one; give --engine model with it',
		);
	}
	try {
		return await linux();
	} catch (error) {
		if (engine === 'linux' || !(error instanceof EncapForwardError) || !inTheWay.has(error.code)) throw error;
		output.message(`using the engine model: ${error.message} [${error.code}]`);
		return model(undefined);
	}
}

function model(kernel: string | undefined): Engine {
	return openModelEngine({
		datapaths: openDatapaths(datapathObjects()),
		...(kernel === undefined ? {} : { kernel }),
	});
}

/** The code for the real kernel is loaded only where that is used. */
async function linux(): Promise<Engine> {
	const [{ openLinuxEngine }, { clearLeftovers }] = await Promise.all([
		import('../engines/linux/engine.ts'),
		import('../lab/environment.ts'),
	]);
	const engine = openLinuxEngine();
	clearLeftovers();
	return engine;
}
