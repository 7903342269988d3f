import { ShuntError } from '../../errors.ts';
import type { DesiredPort } from '../model/desired.ts';
import { createDraft, type Draft, neededCapacity } from './draft.ts';
import { emptyLeftovers, frontendKey, type Have, isClosing, isLive, type Port, type Retired } from './have.ts';
import { identityKey, identityOf } from './identity.ts';
import { planPort, planRemoval } from './port.ts';
import { dropIndexes } from './ranges.ts';
import type { Capacity, FrontendKey, Transaction } from './transaction.ts';

export interface Change {
  readonly id: string;
  /** undefined: the port is gone. A port without any address is not held either. */
  readonly want: DesiredPort | undefined;
}

/** Apply the transaction, then tell `committed`, also when it is empty: the plan says which ports are known. */
export interface Plan {
  readonly transaction: Transaction;
  readonly draft: Draft;
}

/** The tables are too small. Grow them to `need` (absolute), then plan again; nothing has changed. */
export interface Shortage {
  readonly need: Capacity;
}

/**
 * What must be written so that these ports are as wanted; the later of two changes of one id counts. Costs as much as
 * these ports are large, however large the cluster is. Every frontend key has one owner among the wanted ports; it may
 * move from one to another in one call, in either order of changes, and is never deleted in between.
 */
export const plan = (have: Have, changes: readonly Change[]): Plan | Shortage => {
  const draft = createDraft(have);
  const wanted = new Map(changes.map(({ id, want }) => [id, want]));
  const before: Port[] = [];
  for (const [id, want] of wanted) {
    const port = claim(draft, id);
    if (port !== undefined) before.push(port);
    if (want !== undefined && hasAddress(want)) draft.ports.set(id, planPort(draft, port, want));
    else if (port !== undefined) {
      planRemoval(draft, port);
      draft.ports.set(id, undefined);
    }
  }
  for (const port of before) planDeletes(draft, port);
  const need = neededCapacity(draft);
  return need === undefined ? finish(draft) : { need };
};

const hasAddress = ({ groups, closed }: DesiredPort): boolean =>
  closed.length > 0 || groups.some((group) => group.addresses.length > 0);

export const isShortage = (result: Plan | Shortage): result is Shortage => 'need' in result;

/**
 * What must be removed once every port of the cluster has been planned: ports found at the start that nobody named,
 * records of a transaction that was cut short, frontends that lead nowhere.
 */
export const sweep = (have: Have): Plan => {
  const draft = createDraft(have);
  const { unclaimed, leftovers } = have;
  for (const [key, port] of unclaimed) {
    draft.claims.add(key);
    planRemoval(draft, port);
    planDeletes(draft, port);
  }
  for (const frontend of leftovers.frontends.values()) draft.frontendDeletes.push(frontend);
  retire(draft.retired, leftovers);
  draft.leftovers = emptyLeftovers();
  return finish(draft);
};

/** The plan's transaction has been applied in full. After one that was not, `have` is void: read it again. */
export const committed = (have: Have, { draft, transaction }: Plan): void => {
  if (draft.revision !== have.revision) {
    throw new ShuntError('SHUNT_E_INTERNAL', {
      detail: 'a plan was committed to tables that had changed since',
    });
  }
  have.revision++;
  have.leftovers = draft.leftovers;
  for (const frontend of transaction.frontends) {
    have.frontends.set(frontendKey(frontend), frontend);
    have.leftovers.frontends.delete(frontendKey(frontend));
  }
  for (const frontend of transaction.frontendDeletes) have.frontends.delete(frontendKey(frontend));
  for (const key of draft.claims) have.unclaimed.delete(key);
  for (const [id, port] of draft.ports) {
    if (port === undefined) have.ports.delete(id);
    else have.ports.set(id, port);
  }
  dropIndexes(have.free.backends, draft.taken.backends);
  dropIndexes(have.free.services, draft.taken.services);
  have.free.slots = draft.freeSlots;
  retire(have.retired, draft.retired);
};

/** What the port holds: known by id, or found at the start and now recognised by its identity. */
const claim = (draft: Draft, id: string): Port | undefined => {
  const { ports, unclaimed } = draft.have;
  const known = ports.get(id);
  if (known !== undefined || unclaimed.size === 0) return known;
  const key = identityKey(identityOf(id));
  const found = draft.claims.has(key) ? undefined : unclaimed.get(key);
  if (found !== undefined) draft.claims.add(key);
  return found;
};

/** Comes after all puts: a key that any port owns by now stays. */
const planDeletes = ({ have, owned, frontendDeletes }: Draft, port: Port): void => {
  for (const frontend of port.frontends) {
    const key = frontendKey(frontend);
    if (owned.has(key) || have.frontends.get(key)?.service !== port.service) continue;
    const { address, port: number, protocol, client } = frontend;
    frontendDeletes.push({ address, port: number, protocol, ...(client !== undefined && { client }) });
  }
};

const finish = (draft: Draft): Plan => {
  const { have, backends, weights, services, slots, frontends, closed, frontendDeletes, retired } = draft;
  const { tables } = have;
  const transaction = {
    backends,
    weights,
    services,
    slots,
    frontends: closed.length === 0 ? frontends : [...frontends, ...closed],
    frontendDeletes: closingFirst(frontendDeletes),
    // A frontend that led nowhere may have led to a free record, which is retired already.
    retiredBackends: retired.backends.filter((index) => isLive(tables.backendGeneration(index))),
    retiredServices: retired.services.filter((index) => isLive(tables.serviceGeneration(index))),
  };
  return { transaction, draft };
};

const closingFirst = (keys: readonly FrontendKey[]): readonly FrontendKey[] => {
  const closing = keys.filter(isClosing);
  return closing.length === 0 ? keys : [...closing, ...keys.filter((key) => !isClosing(key))];
};

const retire = (all: Retired, more: Retired): void => {
  for (const index of more.backends) all.backends.push(index);
  for (const index of more.services) all.services.push(index);
  for (const range of more.slots) all.slots.push(range);
};
