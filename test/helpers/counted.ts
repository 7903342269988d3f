import { expect } from 'vitest';
import type { Counters } from '../../src/dataplane/dataplane.ts';
import { retryUntil } from './retry.ts';
import type { RunningAgent } from './running-agent.ts';

/** Counters that are not zero. Times differ from run to run and are left out; so is what is going on, which is zero. */
export type Counted = Partial<Record<Exclude<keyof Counters, 'connectNs' | 'active' | 'pending'>, number>>;

/** What a Service port (`namespace/service/port/PROTOCOL`) counted from `work` on until all that it began had ended. */
export const counted = async ({ agent }: RunningAgent, id: string, work: () => Promise<unknown>): Promise<Counted> => {
  const before = serviceStats({ agent }, id);
  await work();
  await retryUntil(() => allEnded({ agent }));
  return difference(before, serviceStats({ agent }, id));
};

/** Whether no connection through any Service is pending or active. */
export const allEnded = ({ agent }: Pick<RunningAgent, 'agent'>): boolean =>
  [...agent.services(), ...agent.backends()].every(({ stats }) => !stats.pending && !stats.active) &&
  agent.status().connections.used === 0;

export const serviceStats = ({ agent }: Pick<RunningAgent, 'agent'>, id: string) => {
  const found = [...agent.services()].find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found.stats;
};

/** Counters of a backend of a Service port. */
export const backendStats = ({ agent }: Pick<RunningAgent, 'agent'>, id: string, address: string): Counters => {
  const found = [...agent.backends()].find((each) => each.id === id && each.address === address);
  if (found?.state !== 'answering') throw new Error(`${id} has no backend ${address}`);
  return found.stats as Counters;
};

/** By Service port, what was counted for it and what for its backends together: the same, while none has gone. */
export const totals = ({ agent }: RunningAgent) => ({
  services: Object.fromEntries([...agent.services()].map(({ id, stats }) => [id, countersOf(stats)])),
  backends: Object.fromEntries(
    [...agent.services()].map(({ id }) => [
      id,
      sum([...agent.backends()].filter((backend) => backend.id === id).map(({ stats }) => stats as Counters)),
    ]),
  ),
});

/** As far as no backend has gone, and once nothing goes on any more. */
export const expectEqualTotals = async (agent: RunningAgent): Promise<void> => {
  await retryUntil(() => allEnded(agent));
  const { services, backends } = totals(agent);
  expect(backends).toEqual(services);
};

export const countersOf = (stats: Counters): Counted => sum([stats]);

const NAMES = [
  'attempts',
  'established',
  'refused',
  'timedOut',
  'unreachable',
  'abandoned',
  'closed',
  'reset',
  'broken',
  'bytesSent',
  'bytesReceived',
  'datagrams',
  'datagramsReceived',
  'rejected',
] as const satisfies readonly (keyof Counted)[];

const sum = (all: readonly Counters[]): Counted =>
  nonZero(Object.fromEntries(NAMES.map((name) => [name, all.reduce((total, stats) => total + stats[name], 0)])));

const difference = (before: Counters, after: Counters): Counted =>
  nonZero(Object.fromEntries(NAMES.map((name) => [name, after[name] - before[name]])));

const nonZero = (values: Readonly<Record<string, number>>): Counted =>
  Object.fromEntries(NAMES.map((name) => [name, values[name] ?? 0]).filter(([, value]) => value !== 0));
