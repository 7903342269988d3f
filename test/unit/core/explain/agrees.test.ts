import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClaims, settle, stake } from '../../../../src/core/claims.ts';
import { applyEvents, type Cluster, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire, type NodeIdentity } from '../../../../src/core/desire/desire.ts';
import { localNodeOf } from '../../../../src/core/desire/node.ts';
import { type Decision, explain, oracle, type Question, type Shares } from '../../../../src/core/explain.ts';
import type { ClusterObject, Family } from '../../../../src/core/model/objects.ts';
import { endpoint, node, OUR_NODE, pod, policy, service, slice } from '../../../helpers/objects.ts';
import { cgroup, grant, labelled, route } from '../../../helpers/route-objects.ts';

// A world so small that everything meets: names, addresses, ports and ages.

const ADDRESSES = ['10.96.0.1', '10.96.0.2', 'fd00:96::1'] as const;
const EXTERNAL_ADDRESSES = ['203.0.113.1', '203.0.113.2', '10.96.0.2', '192.0.2.1'] as const;
const NODE_ADDRESSES = ['192.0.2.1', 'fd00:2::1'] as const;
const PORTS = [80, 30_080] as const;
const NODE_PORTS = [30_080, 30_081] as const;
const ZONES = ['z1', 'z2'] as const;
const PROTOCOLS = ['TCP', 'UDP'] as const;

const rarely = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const serviceName = fc.constantFrom('a', 'b');
const nodeName = fc.constantFrom('', 'node-a', 'node-b');
const portsOf = (...numbers: readonly number[]) =>
  fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('http', 'admin'),
      protocol: fc.constantFrom('TCP', 'TCP', 'TCP', 'UDP', 'SCTP'),
      port: fc.constantFrom(...numbers),
      nodePort: fc.constantFrom(0, ...NODE_PORTS),
    }),
    {
      maxLength: 2,
      comparator: (a, b) =>
        a.name === b.name ||
        (a.protocol === b.protocol && (a.port === b.port || (a.nodePort === b.nodePort && a.nodePort > 0))),
    },
  );

const someService: fc.Arbitrary<ClusterObject> = fc
  .record({
    name: serviceName,
    createdAtMs: fc.nat(2),
    headless: rarely,
    proxyName: rarely.map((foreign) => (foreign ? 'other' : undefined)),
    clusterIPs: fc.uniqueArray(fc.constantFrom(...ADDRESSES), { minLength: 1, maxLength: 2 }),
    externalIPs: fc.uniqueArray(fc.constantFrom(...EXTERNAL_ADDRESSES), { maxLength: 1 }),
    loadBalancerIPs: fc.uniqueArray(fc.constantFrom(...EXTERNAL_ADDRESSES), { maxLength: 1 }),
    sourceRanges: rarely,
    ports: portsOf(...PORTS),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local'),
    publishNotReadyAddresses: rarely,
  })
  .map(service);

const someEndpoint = (addresses: readonly string[]) =>
  fc
    .record({
      address: fc.constantFrom(...addresses),
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      node: nodeName,
      hints: fc.record({
        zones: fc.subarray([...ZONES], { minLength: 1 }),
        nodes: fc.subarray(['node-a', 'node-b'], { minLength: 1 }),
      }),
      hinted: fc.constantFrom('zones', 'nodes', 'both', 'both', 'none'),
      pod: fc.constantFrom('', 'stable-1', 'canary-1'),
    })
    .map(({ address, hints: { zones, nodes }, hinted, ...fields }) => {
      const hints = {
        zones: hinted === 'zones' || hinted === 'both' ? zones : [],
        nodes: hinted === 'nodes' || hinted === 'both' ? nodes : [],
      };
      return endpoint(address, { hints, ...fields });
    });

const ENDPOINT_ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.1.0.1', '10.1.0.2', '10.1.0.3'],
  6: ['fd00:1::1', 'fd00:1::2'],
};

const someSlice: fc.Arbitrary<ClusterObject> = fc.constantFrom<Family>(4, 4, 6).chain((family) =>
  fc
    .record({
      name: fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6'),
      service: serviceName,
      ports: portsOf(8080, 9090),
      endpoints: fc.array(someEndpoint(ENDPOINT_ADDRESSES[family]), { maxLength: 4 }),
    })
    .map(({ endpoints, ...fields }) => slice(endpoints, { family, ...fields })),
);

const ROUTE_KINDS = ['TCPRoute', 'TCPRoute', 'UDPRoute', 'HTTPRoute'] as const;
const ROUTE_NAMES = ['r', 's'] as const;
const namespace = fc.constantFrom('shop', 'shop', 'shop', 'bank');

const someWeight = fc.record(
  { pod: fc.constantFrom('*', 'canary-*'), node: nodeName, weight: fc.constantFrom(0, 1, 5, 1000) },
  { requiredKeys: ['weight'] },
);

const somePolicy: fc.Arbitrary<ClusterObject> = fc
  .record({
    name: fc.constantFrom('p', 'q'),
    createdAtMs: fc.nat(2),
    services: fc.uniqueArray(serviceName, { minLength: 1, maxLength: 2 }),
    endpointWeights: fc.array(someWeight, { maxLength: 2 }),
    kind: fc.constantFrom('TrafficPolicy', 'TrafficPolicy', 'TrafficPolicy', 'DestinationRule'),
    algorithm: fc.constantFrom(undefined, undefined, 'RoundRobin', 'Maglev'),
    clients: fc.constantFrom(undefined, undefined, labelled({ track: 'canary' }), labelled({})),
    routes: fc.subarray([{ kind: 'TCPRoute', name: 'r' } as const], { minLength: 0 }),
  })
  .map((fields) => (fields.kind === 'DestinationRule' ? { ...fields, clients: undefined, routes: [] } : fields))
  .map(({ endpointWeights, ...fields }) => policy(endpointWeights, fields));

const someRoute: fc.Arbitrary<ClusterObject> = fc
  .record({
    kind: fc.constantFrom(...ROUTE_KINDS),
    namespace,
    name: fc.constantFrom(...ROUTE_NAMES),
    createdAtMs: fc.nat(2),
    unsupported: rarely.map((isSo) => (isSo ? 'spec.rules[0].matches is not supported' : '')),
    parents: fc.array(
      fc.record({
        name: serviceName,
        port: fc.constantFrom(undefined, ...PORTS),
        sectionName: fc.constantFrom('', '', 'http'),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    backends: fc.array(
      fc.record({
        name: fc.constantFrom('a', 'b', 'b', 'gone'),
        port: fc.constantFrom(80, 80, 80, ...PORTS, undefined),
        weight: fc.constantFrom(0, 1, 1, 7),
        invalidKind: rarely.map((isSo) => (isSo ? 'is no Service' : '')),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ backends, ...fields }) => route(backends, fields));

const someGrant: fc.Arbitrary<ClusterObject> = fc.constant(
  grant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'bank' }] }),
);

const somePod: fc.Arbitrary<ClusterObject> = fc
  .record({ namespace, name: fc.constantFrom('x', 'y'), track: fc.constantFrom('canary', 'stable') })
  .map(({ track, ...fields }) => pod({ ...fields, labels: { track }, addresses: [] }));

const someNodeObject: fc.Arbitrary<ClusterObject> = fc
  .record({
    name: fc.constantFrom('node-a', 'node-b'),
    zone: fc.constantFrom('', ...ZONES),
    addresses: fc.subarray([...NODE_ADDRESSES]),
  })
  .map(node);

/** Two Services that answer, for routes to lead to, unless what is drawn takes their place. */
const ANSWERING: readonly ClusterObject[] = ['a', 'b'].flatMap((name, index) => [
  service({ name, clusterIPs: [ADDRESSES[index] as string] }),
  slice([endpoint(`10.1.0.${index + 1}`)], { name: `s${index + 1}`, service: name }),
]);

const someObjects = fc
  .tuple(
    fc.constantFrom([], ANSWERING),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: someService },
        { weight: 4, arbitrary: someSlice },
        { weight: 2, arbitrary: somePolicy },
        { weight: 2, arbitrary: someNodeObject },
        { weight: 6, arbitrary: someRoute },
        { weight: 1, arbitrary: someGrant },
        { weight: 2, arbitrary: somePod },
      ),
      { minLength: 4, maxLength: 18 },
    ),
  )
  .map(([base, drawn]) => [...base, ...drawn]);
const someNode: fc.Arbitrary<NodeIdentity> = fc.record({
  name: nodeName,
  proxyName: rarely.map((ours) => (ours ? 'other' : '')),
  externalIPs: fc.boolean(),
});

/** The kernel knows the Pods of these names, if they exist. */
const CLIENTS = new Map(['shop/x', 'bank/x', 'bank/y'].map((key, index) => [key, cgroup(index + 1)]));

const clusterOf = (objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  applyEvents(cluster, [
    ...objects.map((object) => ({ type: 'put', object }) as const),
    ...[...CLIENTS].map(([key, client]) => ({ type: 'client', pod: key, client }) as const),
  ]);
  return cluster;
};

interface Answer extends Shares {
  readonly outcome: Decision['outcome'];
  readonly portId?: string;
}

const LEFT_ALONE: Answer = { outcome: 'left alone', shares: new Map(), refused: 0 };
const REFUSED: Answer = { outcome: 'refused', shares: new Map(), refused: 1 };

/** By the question: what the desired ports of all Services, after their claims, make of it. */
const desiredAnswers = (cluster: Cluster, identity: NodeIdentity): ReadonlyMap<string, Answer> => {
  const claims = createClaims(identity);
  const node = localNodeOf(cluster, identity);
  const desired = [...cluster.services.keys()].map((key) => {
    const input = inputFor(cluster, key);
    if (input === undefined) throw new Error(`no ${key}`);
    const { ports } = desire({ ...input, node });
    stake(claims, key, input.service);
    return { service: input.service, ports };
  });
  const answers = new Map<string, Answer>();
  for (const { service: owner, ports } of desired) {
    for (const { id, protocol, groups, closed } of settle(claims, owner, ports).ports) {
      for (const address of closed) {
        expect(answers.has(closedText(address)), `${address} is closed twice`).toBe(false);
        answers.set(closedText(address), REFUSED);
      }
      for (const group of groups) {
        const shares = oracle(group);
        for (const address of group.addresses) {
          const question = askedText({ address, port: group.port, protocol }, group.client?.cgroup);
          expect(answers.has(question), `${question} has two owners`).toBe(false);
          answers.set(question, { outcome: shares.shares.size > 0 ? 'sent' : 'refused', portId: id, ...shares });
        }
      }
    }
  }
  return answers;
};

/** As the kernel finds it: for the client, else for everybody, else for the whole address. */
const found = (answers: ReadonlyMap<string, Answer>, question: Question): Answer =>
  answers.get(askedText(question, CLIENTS.get(question.client ?? '')?.cgroup)) ??
  answers.get(askedText(question, undefined)) ??
  answers.get(closedText(question.address)) ??
  LEFT_ALONE;

const explainedAnswer = (decision: Decision): Answer => {
  if (decision.outcome === 'left alone') return LEFT_ALONE;
  if (!('endpoints' in decision)) return REFUSED;
  const arms = decision.arms ?? [{ weight: 1, of: 1, endpoints: decision.endpoints }];
  const shares = new Map<string, number>();
  for (const arm of arms) {
    if (arm.weight === 0) continue;
    for (const { address, port, verdict } of arm.endpoints) {
      if (verdict.verdict !== 'share') continue;
      const socket = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      shares.set(socket, (shares.get(socket) ?? 0) + (arm.weight / arm.of) * (verdict.weight / verdict.of));
    }
  }
  const refused = 1 - [...shares.values()].reduce((sum, share) => sum + share, 0);
  return { outcome: decision.outcome, portId: decision.portId, shares, refused };
};

/** Shares to nine digits: they are added up in another order. */
const rounded = ({ shares, refused, ...answer }: Answer) => ({
  ...answer,
  refused: Math.round(refused * 1e9),
  shares: [...shares].map(([socket, share]) => `${socket} ${Math.round(share * 1e9)}`).sort(),
});

const askedText = ({ address, port, protocol }: Question, client: bigint | undefined): string =>
  `${address} ${port} ${protocol} ${client ?? ''}`;

const closedText = (address: string): string => `all else at ${address}`;

const QUESTIONS: readonly Question[] = [
  ...new Set<string>([...ADDRESSES, ...EXTERNAL_ADDRESSES, ...NODE_ADDRESSES]),
].flatMap((address) =>
  [...PORTS, ...NODE_PORTS].flatMap((port) => PROTOCOLS.map((protocol) => ({ address, port, protocol }))),
);

/** Also by Pods that there may be, with a cgroup that is known or not. */
const ASKED: readonly Question[] = QUESTIONS.flatMap((question) =>
  [undefined, 'shop/x', 'bank/y', 'shop/y'].map((client) =>
    client === undefined ? question : { ...question, client },
  ),
);

it('explain says of every connection what desire programs for it', () => {
  const met = { routed: 0, partly: 0, apart: 0 };
  fc.assert(
    fc.property(someObjects, someNode, (objects, identity) => {
      const cluster = clusterOf(objects);
      const answers = desiredAnswers(cluster, identity);
      for (const question of ASKED) {
        const wanted = found(answers, question);
        const table = wanted.outcome === 'left alone' ? null : wanted;
        const decision = explain({ cluster, node: identity, table }, question);
        expect(rounded(explainedAnswer(decision)), JSON.stringify(question)).toEqual(rounded(wanted));
        expect(decision.kernel?.agrees).toBe(true);
        met.routed += Number('route' in decision);
        met.partly += Number(wanted.outcome === 'sent' && wanted.refused > 0);
        met.apart += Number('client' in decision && decision.client?.standing === 'apart');
      }
    }),
    { numRuns: 400 },
  );
  // Every kind was met, and not by chance alone.
  expect(Math.min(...Object.values(met))).toBeGreaterThan(10);
});

it('shares of a decision, with what is refused, add up to one', () => {
  fc.assert(
    fc.property(someObjects, someNode, (objects, identity) => {
      const cluster = clusterOf(objects);
      for (const question of QUESTIONS) {
        for (const { shares, refused } of [...desiredAnswers(cluster, identity).values()]) {
          expect([...shares.values()].reduce((total, share) => total + share, refused)).toBeCloseTo(1, 9);
        }
        const { outcome, refused } = explainedAnswer(explain({ cluster, node: identity }, question));
        if (outcome === 'refused') expect(refused).toBeCloseTo(1, 9);
        if (outcome === 'sent') expect(refused).toBeLessThan(1);
      }
    }),
    { numRuns: 30 },
  );
});

it('desire does not depend on the order in which slices and policies are given', () => {
  const listed = fc.array(someEndpoint(ENDPOINT_ADDRESSES[4]), { maxLength: 4 });
  const weights = fc.array(someWeight, { maxLength: 2 });
  fc.assert(
    fc.property(fc.array(listed, { maxLength: 4 }), fc.array(weights, { maxLength: 3 }), (lists, weightings) => {
      const slices = lists.map((endpoints, index) => slice(endpoints, { name: `s${index}` }));
      const policies = weightings.map((entries, index) => policy(entries, { name: `p${index}` }));
      const node = OUR_NODE;
      expect(
        desire({ service: service(), slices: slices.toReversed(), policies: policies.toReversed(), node }),
      ).toEqual(desire({ service: service(), slices, policies, node }));
    }),
  );
});
