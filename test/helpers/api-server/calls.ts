import type { Behaviour } from './behaviour.ts';
import type { BodyTrouble, Fault } from './fault.ts';
import type { NewObject, RawObject, ResourceName } from './resources.ts';
import type { ApiServer } from './server.ts';

/** What a server in a process of its own can be told. Arguments and results are plain data. */
export const CALLS = {
  put: (server: ApiServer, resource: ResourceName, ...objects: NewObject[]): readonly RawObject[] =>
    objects.map((object) => server.store.put(resource, object)),
  delete: (server: ApiServer, resource: ResourceName, ...keys: string[]): void => {
    for (const key of keys) server.store.delete(resource, key);
  },
  compact: (server: ApiServer): void => server.store.compact(),
  behave: (server: ApiServer, change: Partial<Behaviour>): void => void Object.assign(server.behaviour, change),
  fault: (server: ApiServer, ...faults: Fault[]): void => void server.faults.push(...faults),
  disturb: (server: ApiServer, trouble: BodyTrouble, resource?: ResourceName): void =>
    server.disturb(trouble, resource),
  down: (server: ApiServer): Promise<void> => server.down(),
  up: (server: ApiServer): Promise<void> => server.up(),
  /** What was asked, as `kind resource`, since the last call. */
  asked: (server: ApiServer): readonly string[] =>
    server.requests.splice(0).map(({ kind, resource }) => `${kind} ${resource}`),
  watches: (server: ApiServer, resource?: ResourceName): number => server.watches(resource),
} as const satisfies Record<string, (server: ApiServer, ...args: never[]) => unknown>;

export type CallName = keyof typeof CALLS;

type Tail<T> = T extends (server: ApiServer, ...args: infer A) => unknown ? A : never;

export type CallArguments<Name extends CallName> = Tail<(typeof CALLS)[Name]>;
export type CallResult<Name extends CallName> = Awaited<ReturnType<(typeof CALLS)[Name]>>;

/** One line to the process; its answer has the same number. */
export interface CallLine {
  readonly id: number;
  readonly call: CallName;
  readonly args: readonly unknown[];
}

export interface ResultLine {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
