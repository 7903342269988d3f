import type { PolicyInForce } from '../desire/in-force.ts';
import type { LocalNode } from '../desire/node.ts';
import { byName } from '../desire/order.ts';
import { type ServedPort, targetOf } from '../desire/ports.ts';
import { ramped, type SlowStart } from '../desire/slow-start.ts';
import { STANDING, type Standing, standingOf } from '../desire/standing.ts';
import { isNear, type Topology, topologyOf } from '../desire/topology.ts';
import { entryFor, weightOf } from '../desire/weights.ts';
import type { DesiredEndpoint } from '../model/desired.ts';
import type { EndpointObject, EndpointSliceObject, Family, ServiceObject } from '../model/objects.ts';
import type { ExplainedEndpoint, PolicyEntry, Verdict } from './decision.ts';

/** What decides about the endpoints of one Service. */
export interface Field {
  readonly service: ServiceObject;
  /** In any order. */
  readonly slices: readonly EndpointSliceObject[];
  /** What counts. */
  readonly policy: PolicyInForce;
  readonly node: LocalNode;
  readonly slowStart?: SlowStart | undefined;
}

/**
 * A verdict about every endpoint of every slice of a Service. One rule after the other takes out those that cannot
 * answer and says why; who is left shares. `desire` gets there in one pass, and a property test holds the two together.
 */
export const explainEndpoints = (
  field: Field,
  port: ServedPort,
  family: Family,
  /** The only node whose endpoints may answer. */
  only: string | undefined,
): readonly ExplainedEndpoint[] => {
  const { node } = field;
  const seen = field.slices.toSorted(byName).flatMap((slice) => look(field, slice, port));

  let left: readonly Seen[] = seen;
  const takeOut = (rule: (candidate: Seen) => Verdict | undefined): void => {
    for (const candidate of left) candidate.verdict = rule(candidate);
    left = left.filter(({ verdict }) => verdict === undefined);
  };

  takeOut(({ slice }) => (slice.family === family ? undefined : { verdict: 'other family' }));
  takeOut(({ port }) => (port === undefined ? { verdict: 'no port of that name' } : undefined));
  takeOut(({ endpoint }) =>
    only === undefined || endpoint.node === only ? undefined : { verdict: 'not on this node' },
  );
  takeOut(({ endpoint: { terminating }, standing }) =>
    standing === STANDING.out ? { verdict: 'not ready', terminating } : undefined,
  );
  const someReady = left.some(({ standing }) => standing === STANDING.ready);
  takeOut(({ standing }) =>
    someReady && standing === STANDING.terminating ? { verdict: 'terminating, others are ready' } : undefined,
  );
  takeOut(countedAlready());
  takeOut(({ weight, said }) => (weight === 0 ? { verdict: 'weight 0', ...said } : undefined));
  const topology =
    only === undefined && someReady
      ? topologyOf(
          left.map(({ endpoint }) => endpoint),
          node,
        )
      : 'all';
  takeOut(({ endpoint }) => (isNear(endpoint, topology, node) ? undefined : { verdict: FAR[topology] }));
  const shares = sharesOf(field, left);
  return seen.map((candidate) => explained(candidate, candidate.verdict ?? (shares.get(candidate) as Verdict)));
};

/** With what is new as heavy as it is by now. */
const sharesOf = ({ service, policy, slowStart }: Field, left: readonly Seen[]): ReadonlyMap<Seen, Verdict> => {
  const full = left.map(({ endpoint: { address }, port = 0, weight }) => ({ address, port, weight }));
  const weighed = ramped(full, service, policy.slowStart, { slowStart, againMs: 0 });
  const of = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(
    left.map((candidate, index) => {
      const { weight } = weighed[index] as DesiredEndpoint;
      const risen = weighed === full ? 100 : Math.round(weight / candidate.weight);
      const rising = risen < 100 ? { risen } : {};
      return [candidate, { verdict: 'share', weight, of, percent: (100 * weight) / of, ...candidate.said, ...rising }];
    }),
  );
};

/** Of `all` none is far. */
const FAR = {
  all: 'for other zones',
  'same node': 'for other nodes',
  'same zone': 'for other zones',
} as const satisfies Record<Topology, Verdict['verdict']>;

/** An endpoint as one slice lists it. Without a verdict it may still answer. */
interface Seen {
  readonly slice: EndpointSliceObject;
  readonly endpoint: EndpointObject;
  readonly port: number | undefined;
  readonly standing: Standing;
  readonly weight: number;
  readonly said: { readonly saidBy?: PolicyEntry };
  verdict: Verdict | undefined;
}

const look = ({ service, policy: { weights } }: Field, slice: EndpointSliceObject, port: ServedPort): readonly Seen[] =>
  slice.endpoints.map((endpoint) => {
    const entry = weights === undefined ? -1 : entryFor(endpoint, weights);
    return {
      slice,
      endpoint,
      port: targetOf(slice, port)?.port,
      standing: standingOf(endpoint, service),
      weight: weightOf(endpoint, weights),
      said: weights === undefined || entry < 0 ? {} : { saidBy: { policy: weights.name, entry } },
      verdict: undefined,
    };
  });

/** Of the candidates left, the first of each address and port stays. */
const countedAlready = (): ((candidate: Seen) => Verdict | undefined) => {
  const sliceOf = new Map<string, string>();
  return ({ endpoint, port, slice }) => {
    const socket = `${endpoint.address} ${port}`;
    const earlier = sliceOf.get(socket);
    if (earlier === undefined) sliceOf.set(socket, slice.name);
    return earlier === undefined ? undefined : { verdict: 'counted already', slice: earlier };
  };
};

const explained = ({ endpoint, port, slice }: Seen, verdict: Verdict): ExplainedEndpoint => ({
  address: endpoint.address,
  ...(port === undefined ? {} : { port }),
  slice: slice.name,
  node: endpoint.node,
  zone: endpoint.zone,
  pod: endpoint.pod,
  verdict,
});
