import type { DesiredPort } from '../core/model/desired.ts';
import type { Have, Port } from '../core/plan/have.ts';
import type { Reconciler } from './reconciler.ts';

export interface Found {
  readonly id: DesiredPort['id'];
  readonly port: Port;
  readonly have: Have;
}

/** The ports that there are now, of a namespace, of a Service, or all, each as it is when it is its turn. */
export function* foundPorts(reconciler: Reconciler, only: string | undefined): Generator<Found> {
  const start = only === undefined ? '' : `${only}/`;
  for (const id of [...(reconciler.have?.ports.keys() ?? [])]) {
    if (!id.startsWith(start)) continue;
    const { have } = reconciler;
    const port = have?.ports.get(id);
    if (have !== undefined && port !== undefined) yield { id, port, have };
  }
}
