/** `encap-forward metrics`: the forwarder's counters for Prometheus, until Ctrl-C. */
import { once } from 'node:events';
import { serveMetrics } from '../forwarder/metrics-server.ts';
import { requireKernelAccess } from '../kernel/capabilities.ts';
import type { Context } from './context.ts';

export interface MetricsFlags {
	readonly listen: { readonly host: string; readonly port: number };
	readonly netns?: string;
	readonly tunnels: boolean;
	readonly json: boolean;
}

export async function metrics(this: Context, { listen, netns, tunnels, json }: MetricsFlags): Promise<void> {
	const { output, signal } = this;
	requireKernelAccess();
	const server = await serveMetrics(listen, { tunnels, ...(netns === undefined ? {} : { netns }) });
	const url = `http://${server.address}/metrics`;
	if (json) output.json({ url });
	else output.message(`Serving ${url}`);
	try {
		if (!signal.aborted) await once(signal, 'abort');
	} finally {
		await server.close();
	}
}
