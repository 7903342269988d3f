import type { ServiceView } from '../agent/view.ts';
import { type Name, nearNames } from '../core/nearest.ts';
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

/** Throws SHUNT_E_NO_SERVICE, which names what is near, when some were asked for and none of them is programmed. */
export const askServices = async (
  socket: string,
  selection: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<readonly ServiceView[]> => {
  const services = await listServices(socket, selection, signal);
  const { service, namespace } = selection;
  const asked = service ?? namespace;
  if (services.length > 0 || asked === undefined) return services;
  const near = nearNames(asked, namesOf(await listServices(socket, {}, signal), service !== undefined));
  throw new ShuntError('SHUNT_E_NO_SERVICE', {
    service: service ?? `of namespace ${asked}`,
    nearest: near.join(', ') || 'none',
  });
};

/** None is an answer as well. */
export const listServices = async (
  socket: string,
  selection: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<readonly ServiceView[]> =>
  (await askAgent<{ services: readonly ServiceView[] }>(socket, '/v1/services', selection, signal)).services;

/** Who writes one word may mean a namespace, or have left it out. */
const namesOf = (services: readonly ServiceView[], isWhole: boolean): readonly Name[] => {
  const keys = [...new Set(services.map(({ namespace, service }) => `${namespace}/${service}`))].sort();
  if (isWhole) return keys.map((text) => ({ text, compared: text }));
  const namespaces = [...new Set(services.map(({ namespace }) => namespace))].sort();
  return [
    ...namespaces.map((text) => ({ text, compared: text })),
    ...keys.map((text) => ({ text, compared: text.split('/')[1] ?? '' })),
  ];
};
