/** Says why programs cannot be run on single frames here, or nothing if they can. */
import { objectPath } from '../../src/datapath/datapath.ts';
import { EncapForwardError } from '../../src/error.ts';
import { loadObject } from '../../src/kernel/object.ts';
import { testRun } from '../../src/kernel/test-run.ts';

const frameBytes = 64;

const object = loadObject(objectPath('observer'));
try {
	const context = new Uint8Array(new Uint32Array([0, frameBytes, 0, 0, 0, 0]).buffer); // struct xdp_md
	testRun(object.program('observe'), { data: new Uint8Array(frameBytes), context });
} catch (error) {
	if (!(error instanceof EncapForwardError)) throw error;
	console.log('BPF_PROG_TEST_RUN takes no struct xdp_md on this kernel (Linux 5.15 or later does)');
} finally {
	object.close();
}
