import { ShuntError } from '../../errors.ts';
import type { DesiredGroup, DesiredPort } from '../model/desired.ts';
import type { Draft } from './draft.ts';
import { CLOSING, frontendKey } from './have.ts';
import type { Planning } from './port.ts';
import type { RangeAt } from './range.ts';
import type { FrontendKey, FrontendWrite } from './transaction.ts';

/** By `frontendKey` of everybody: at which levels the cgroups of clients lie that have an entry of their own there. */
export type ClientLevels = ReadonlyMap<string, number>;

/**
 * @throws SHUNT_E_INTERNAL when clients are to be answered where nobody else is: programs come to the entry of a client
 * by that of everybody only.
 */
export const clientLevelsOf = ({ id, protocol, groups }: DesiredPort): ClientLevels => {
  const levels = new Map<string, number>();
  if (groups.every(({ client }) => client === undefined)) return levels;
  const keysOf = ({ addresses, port }: DesiredGroup): readonly string[] =>
    addresses.map((address) => frontendKey({ address, port, protocol }));
  for (const group of groups) {
    if (group.client === undefined) continue;
    for (const key of keysOf(group)) levels.set(key, (levels.get(key) ?? 0) | (1 << group.client.level));
  }
  if (levels.size === 0) return levels;
  const ofAll = new Set(groups.filter(({ client }) => client === undefined).flatMap(keysOf));
  for (const key of levels.keys()) {
    if (ofAll.has(key)) continue;
    throw new ShuntError('SHUNT_E_INTERNAL', { detail: `${id} has clients at ${key} but nothing for everybody else` });
  }
  return levels;
};

/** One for each address of the group. */
export const frontendsOf = (
  { draft, want, service }: Planning,
  { addresses, port, scope, client, variant = 0 }: DesiredGroup,
  range: RangeAt,
  levels: ClientLevels,
): FrontendWrite[] =>
  addresses.map((address) => {
    const { protocol } = want;
    if (client === undefined && variant === 0 && levels.size === 0 && range.arms === undefined) {
      // Nearly all: many are kept, so each has exactly these fields.
      const { slotBase, slotCount } = range;
      return planFrontend(draft, draft.frontends, { address, port, protocol, service, slotBase, slotCount, scope });
    }
    const key: FrontendKey = { address, port, protocol };
    const clientLevels = client === undefined ? (levels.get(frontendKey(key)) ?? 0) : 0;
    return planFrontend(draft, draft.frontends, {
      ...key,
      ...(client && { client: client.cgroup }),
      service,
      ...range,
      scope,
      ...(variant !== 0 && { variant }),
      ...(clientLevels !== 0 && { clientLevels }),
    });
  });

/** Every port and protocol of an address that has no frontend of its own refuses. */
export const planClosed = ({ draft, want, service }: Planning): FrontendWrite[] =>
  want.closed.map((address) => planFrontend(draft, draft.closed, { ...CLOSED, address, service }));

const CLOSED = { ...CLOSING, slotBase: 0, slotCount: 0, scope: 'cluster' } as const;

const planFrontend = (draft: Draft, puts: FrontendWrite[], wanted: FrontendWrite): FrontendWrite => {
  const key = frontendKey(wanted);
  const held = draft.have.frontends.get(key);
  const isHeld = held !== undefined && leadsAlike(held, wanted);
  if (!isHeld) puts.push(wanted);
  const frontend = isHeld ? held : wanted;
  draft.owned.set(key, frontend);
  return frontend;
};

const leadsAlike = (one: FrontendWrite, other: FrontendWrite): boolean =>
  one.service === other.service &&
  one.slotBase === other.slotBase &&
  one.slotCount === other.slotCount &&
  one.scope === other.scope &&
  one.arms === other.arms &&
  (one.variant ?? 0) === (other.variant ?? 0) &&
  (one.clientLevels ?? 0) === (other.clientLevels ?? 0);
