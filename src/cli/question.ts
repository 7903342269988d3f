import type { ServedQuestion } from '../core/explain/decision.ts';
import { parseAddress } from '../core/model/address.ts';
import { wrong } from './arguments.ts';

/** Reads `10.96.0.10:80`, `[fd00::10]:80`, each also with `/tcp` or `/udp`. Throws SHUNT_E_ARGUMENTS. */
export const parseQuestion = (verb: string, text: string): ServedQuestion => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})(?:\/(tcp|udp))?$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined) throw wrong(verb, `\`${text}\` is not ADDRESS:PORT[/tcp|/udp] (IPv6 as [ADDRESS]:PORT)`);
  if (port < 1 || port > 65535) throw wrong(verb, `\`${text}\`: a port lies between 1 and 65535`);
  const address = parseAddress(host);
  if ('problem' in address) throw wrong(verb, `\`${text}\`: ${address.problem}`);
  return { address: address.text, port, protocol: match?.[4]?.toLowerCase() === 'udp' ? 'UDP' : 'TCP' };
};

/** Reads `NAMESPACE/POD`. Throws SHUNT_E_ARGUMENTS. */
export const parsePod = (verb: string, text: string): string => {
  if (!/^[^/\s]+\/[^/\s]+$/.test(text)) throw wrong(verb, `--from: \`${text}\` is not NAMESPACE/POD`);
  return text;
};
