/** The tunnels of a forwarder's configuration, as a question has them. */
import { tunnelOf } from '../datapath/tunnel-map.ts';
import { recordWord, recordWords, tunnelRecords } from '../datapath/tunnel-records.ts';
import { entryOf } from '../datapath/tunnel-slots.ts';
import { EncapForwardError } from '../error.ts';
import { readConfigurationFile } from '../forwarder/configuration-file.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

/** @throws EF_CONFIGURATION, EF_CONTRADICTION where the device is none of its interfaces */
export function configuredTunnels(file: string, device: string): readonly Tunnel[] {
	const { configuration, tunnels } = readConfigurationFile(file);
	if (!configuration.interfaces.includes(device)) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			`--config: ${device} is not among the interfaces of ${file}, which are ${configuration.interfaces.join(', ')}; give one of them by --in`,
		);
	}
	const { count, templates, write } = tunnelRecords(tunnels);
	const record = new Uint32Array(recordWords);
	return Array.from({ length: count }, (_, row) => {
		write(row, record, 0);
		const template = templates[record[recordWord.template] as number] ?? new Uint8Array();
		return tunnelOf(entryOf(record), template);
	});
}
