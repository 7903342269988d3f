import type { ServiceInput } from '../desire/desire.ts';
import type { LocalNode } from '../desire/node.ts';
import { byName } from '../desire/order.ts';
import { governingPolicy } from '../desire/policy.ts';
import { type ServedPort, targetOf } from '../desire/ports.ts';
import { STANDING, type Standing, standingOf } from '../desire/standing.ts';
import { isNear, type Topology, topologyOf } from '../desire/topology.ts';
import { entryFor, weightOf } from '../desire/weights.ts';
import type { EndpointObject, EndpointSliceObject, Family } from '../model/objects.ts';
import type { ExplainedEndpoint, PolicyEntry, Verdict } from './decision.ts';

/**
 * A verdict about every endpoint of every slice of a Service. One rule after the other takes out those that cannot
 * answer and says why; who is left shares. `desire` gets there in one pass, and a property test holds the two together.
 */
export const explainEndpoints = (
  input: ServiceInput,
  port: ServedPort,
  family: Family,
  node: LocalNode,
  /** The only node whose endpoints may answer. */
  only: string | undefined,
): readonly ExplainedEndpoint[] => {
  const seen = input.slices.toSorted(byName).flatMap((slice) => look(input, slice, port));

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
  const of = left.reduce((sum, { weight }) => sum + weight, 0);
  const share = ({ weight, said }: Seen): Verdict => ({
    verdict: 'share',
    weight,
    of,
    percent: (100 * weight) / of,
    ...said,
  });
  return seen.map((candidate) => explained(candidate, candidate.verdict ?? share(candidate)));
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

const look = ({ service, policies }: ServiceInput, slice: EndpointSliceObject, port: ServedPort): readonly Seen[] => {
  const policy = governingPolicy(policies);
  return slice.endpoints.map((endpoint) => {
    const entry = policy === undefined ? -1 : entryFor(endpoint, policy);
    return {
      slice,
      endpoint,
      port: targetOf(slice, port)?.port,
      standing: standingOf(endpoint, service),
      weight: weightOf(endpoint, policy),
      said: policy === undefined || entry < 0 ? {} : { saidBy: { policy: policy.name, entry } },
      verdict: undefined,
    };
  });
};

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
