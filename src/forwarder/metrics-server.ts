/** /metrics and /healthz over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EncapForwardError } from '../error.ts';
import { metricsText, metricsType } from './metrics.ts';
import { openStatus } from './status.ts';

export interface MetricsOptions {
	/** The namespace to tell of; this process's if not given. */
	readonly netns?: string;
	/** Tell each tunnel's counters, however many there are. */
	readonly tunnels?: boolean;
}

export interface MetricsServer {
	/** Where it listens: `127.0.0.1:9810`, `[::1]:9810`. */
	readonly address: string;
	close(): Promise<void>;
}

/** So many tunnels are told each without being asked to: every one is two time series. */
const mostTunnels = 1000;

/** The state is read anew for each request: a forwarder may be started, upgraded and ended meanwhile. */
function answer(
	{ netns, tunnels }: MetricsOptions,
	path: string,
): { status: number; type: string; body: string } {
	const text = 'text/plain; charset=utf-8';
	if (path !== '/metrics' && path !== '/healthz') {
		return { status: 404, type: text, body: 'There are /metrics and /healthz.\n' };
	}
	let state: Parameters<typeof metricsText>[0];
	try {
		const reader = openStatus(netns);
		try {
			const status = reader.read(false);
			const each = reader.counted && (tunnels === true || status.tunnels.count <= mostTunnels);
			state = { status, totals: reader.totals(), tunnels: each ? reader.tunnels() : [] };
		} finally {
			reader.close();
		}
	} catch (error) {
		const down =
			error instanceof EncapForwardError && (error.code === 'EF_NOT_UP' || error.code === 'EF_USAGE');
		if (!down || path === '/healthz')
			return { status: 503, type: text, body: `${(error as Error).message}\n` };
	}
	if (path === '/metrics') return { status: 200, type: metricsType, body: metricsText(state) };
	const missing = state?.status.missing ?? [];
	if (missing.length > 0) return { status: 503, type: text, body: `${missing.join('\n')}\n` };
	return { status: 200, type: text, body: 'ok\n' };
}

/** The server is in this process's network namespace; what it tells of is in that of `options`. */
export async function serveMetrics(
	{ host, port }: { readonly host: string; readonly port: number },
	options: MetricsOptions = {},
): Promise<MetricsServer> {
	const server = createServer((request, response) => {
		const { pathname } = new URL(request.url ?? '/', 'http://localhost');
		const allowed = request.method === 'GET' || request.method === 'HEAD';
		const { status, type, body } = allowed
			? answer(options, pathname)
			: { status: 405, type: 'text/plain; charset=utf-8', body: 'Only GET is answered.\n' };
		response.writeHead(status, { 'content-type': type, ...(allowed ? {} : { allow: 'GET, HEAD' }) });
		response.end(request.method === 'HEAD' ? undefined : body);
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', (cause: NodeJS.ErrnoException) =>
			reject(
				new EncapForwardError(
					'EF_BUSY',
					`--listen: cannot listen on ${host} port ${port}: ${cause.code}; choose another address or port`,
					{ cause },
				),
			),
		);
		server.listen({ host, port }, resolve);
	});
	const at = server.address() as AddressInfo;
	return {
		address: `${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
