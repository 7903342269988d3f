import type { DesiredPort } from '../core/model/desired.ts';
import type { Have, Port } from '../core/plan/have.ts';
import type { Reconciler } from './reconciler.ts';

export interface Found {
  readonly id: DesiredPort['id'];
  readonly port: Port;
  readonly have: Have;
}

/** The ports that there are now, of a namespace, of a Service, with an id, or all, each as it is when it is its turn. */
export function* foundPorts(reconciler: Reconciler, only: string | undefined): Generator<Found> {
  if (only !== undefined && reconciler.have?.ports.has(only)) {
    yield* portsWith(reconciler, [only]);
    return;
  }
  const start = only === undefined ? '' : `${only}/`;
  for (const id of [...(reconciler.have?.ports.keys() ?? [])]) {
    if (!id.startsWith(start)) continue;
    const found = find(reconciler, id);
    if (found !== undefined) yield found;
  }
}

/** Those of these ids that there are now. */
export function* portsWith(reconciler: Reconciler, ids: Iterable<string>): Generator<Found> {
  for (const id of ids) {
    const found = find(reconciler, id as Found['id']);
    if (found !== undefined) yield found;
  }
}

const find = ({ have }: Reconciler, id: Found['id']): Found | undefined => {
  const port = have?.ports.get(id);
  return have !== undefined && port !== undefined ? { id, port, have } : undefined;
};
