/** An address and port to listen on, as one text. */

/** `ADDRESS:PORT`, an IPv6 address in brackets. Undefined for anything else. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | undefined {
	const [, ipv6, name, number] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
	const host = ipv6 ?? name;
	const port = Number(number);
	return host === undefined || port > 65535 ? undefined : { host, port };
}
