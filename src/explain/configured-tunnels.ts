/** The tunnels of a forwarder's configuration, as a question has them. */
import { entryTunnel, parsedTunnelEntry } from '../datapath/tunnel-map.ts';
import { EncapForwardError } from '../error.ts';
import { readConfigurationFile } from '../forwarder/configuration-file.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { tunnelAt } from '../tunnel/tunnel-table.ts';

/** @throws EF_CONFIGURATION, EF_CONTRADICTION where the device is none of its interfaces */
export function configuredTunnels(file: string, device: string): readonly Tunnel[] {
	const { configuration, tunnels } = readConfigurationFile(file);
	if (!configuration.interfaces.includes(device)) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			`--config: ${device} is not among the interfaces of ${file}, which are ${configuration.interfaces.join(', ')}; give one of them by --in`,
		);
	}
	return Array.from({ length: tunnels.count }, (_, index) =>
		entryTunnel(parsedTunnelEntry(tunnelAt(tunnels, index))),
	);
}
