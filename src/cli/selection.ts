import type { ServiceView } from '../agent/view.ts';
import { ShuntError } from '../errors.ts';
import { askAgent } from './admin.ts';
import { wrong } from './arguments.ts';

/** `NAMESPACE[/NAME]`, or nothing for all, as parameters of the admin API. Throws SHUNT_E_ARGUMENTS. */
export const parseSelection = (verb: string, text: string | undefined): Readonly<Record<string, string>> => {
  if (text === undefined) return {};
  if (/^[^/]+$/.test(text)) return { namespace: text };
  if (/^[^/]+\/[^/]+$/.test(text)) return { service: text };
  throw wrong(verb, `\`${text}\` is not NAMESPACE[/NAME]`);
};

/** Throws SHUNT_E_NO_SERVICE when it is one Service that was asked for, and that one is not programmed. */
export const askServices = async (
  socket: string,
  selection: Readonly<Record<string, string>>,
): Promise<readonly ServiceView[]> => {
  const { services } = await askAgent<{ services: readonly ServiceView[] }>(socket, '/v1/services', selection);
  const { service } = selection;
  if (services.length === 0 && service !== undefined) throw new ShuntError('SHUNT_E_NO_SERVICE', { service });
  return services;
};
