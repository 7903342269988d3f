import type { Hints } from '../model/objects.ts';
import type { LocalNode } from './node.ts';

/** Whose endpoints answer, of those that could. */
export type Topology = 'all' | 'same node' | 'same zone';

/**
 * What the hints of the endpoints come to on this node, as in kube-proxy (pkg/proxy/topology.go, KEP-3015, KEP-4444):
 * hints count only when every ready endpoint has one and at least one is meant for clients here, those for nodes before
 * those for zones. Otherwise all answer: better far than not at all. The slice controller makes the hints from
 * `trafficDistribution`; that field itself decides nothing here.
 */
export const topologyOf = (endpoints: readonly Hinted[], { name, zone }: LocalNode): Topology => {
  if (serves(endpoints, ({ nodes }) => nodes, name)) return 'same node';
  return serves(endpoints, ({ zones }) => zones, zone) ? 'same zone' : 'all';
};

export interface Hinted {
  readonly hints: Hints;
}

export const isNear = ({ hints }: Hinted, topology: Topology, { name, zone }: LocalNode): boolean => {
  switch (topology) {
    case 'all':
      return true;
    case 'same node':
      return hints.nodes.includes(name);
    case 'same zone':
      return hints.zones.includes(zone);
  }
};

const serves = (endpoints: readonly Hinted[], of: (hints: Hints) => readonly string[], here: string): boolean =>
  here !== '' &&
  endpoints.every(({ hints }) => of(hints).length > 0) &&
  endpoints.some(({ hints }) => of(hints).includes(here));
