import type { DesiredGroup, DesiredPort } from '../model/desired.ts';
import { exact } from '../model/exact.ts';
import { choiceField, isSameChoice } from './choice.ts';
import { type Draft, takeIndex } from './draft.ts';
import { clientLevelsOf, frontendsOf, planClosed } from './frontends.ts';
import { planGroup } from './group.ts';
import { nextGeneration, type Port } from './have.ts';
import { type Holdings, holdingsOf, retireHoldings } from './holdings.ts';
import { identityOf } from './identity.ts';
import { type Leaving, leavingOf } from './leaving.ts';
import type { FrontendWrite } from './transaction.ts';

/** One port in the making. */
export interface Planning {
  readonly draft: Draft;
  readonly holds: Holdings;
  readonly leaving: Leaving;
  readonly want: DesiredPort;
  /** Its record. */
  readonly service: number;
}

/**
 * Plans one port that at least one address leads to, from what it holds now; undefined: nothing yet.
 *
 * Entries of clients are put before that of everybody, which tells programs to look for them, and are deleted after it.
 */
export const planPort = (draft: Draft, port: Port | undefined, want: DesiredPort): Port => {
  const service = planService(draft, port, want);
  const holds = holdingsOf(draft.have.tables, port);
  const planning: Planning = { draft, holds, leaving: leavingOf(holds, want), want, service };
  const levels = clientLevelsOf(want);
  const plan = (groups: readonly DesiredGroup[]): FrontendWrite[] =>
    groups.flatMap((group) =>
      group.addresses.length === 0 ? [] : frontendsOf(planning, group, planGroup(planning, group), levels),
    );
  const ofClients = plan(want.groups.filter(({ client }) => client !== undefined));
  const ofAll = plan(want.groups.filter(({ client }) => client === undefined));
  const frontends = exact([...ofAll, ...ofClients, ...planClosed(planning)]);
  retireHoldings(draft, holds);
  if (holds.plannedArms.size === 0) return { service, frontends };
  return { service, frontends, arms: new Map(Array.from(holds.plannedArms.values(), (arm) => [arm.service, arm.id])) };
};

/** Takes everything from a port but its frontends: see `planDeletes`. */
export const planRemoval = (draft: Draft, port: Port): void => {
  retireHoldings(draft, holdingsOf(draft.have.tables, port));
  draft.retired.services.push(port.service);
};

/** The record is kept over every change; a new time-out, algorithm or flag is one word of it. */
const planService = (draft: Draft, port: Port | undefined, want: DesiredPort): number => {
  const { tables } = draft.have;
  const { affinityTimeoutS, measured } = want;
  const settings = { affinityTimeoutS, ...choiceField(want.choice), ...(measured && { measured }) };
  if (port === undefined) {
    const index = takeIndex(draft, 'services');
    const generation = nextGeneration(tables.serviceGeneration(index));
    draft.services.push({ index, identity: identityOf(want.id), generation, ...settings });
    return index;
  }
  const { index, identity, generation, ...held } = tables.service(port.service);
  const isSame = held.affinityTimeoutS === affinityTimeoutS && isSameChoice(held.choice, want.choice);
  if (!isSame || held.measured !== measured) {
    draft.services.push({ index, identity, generation, ...settings });
  }
  return port.service;
};
