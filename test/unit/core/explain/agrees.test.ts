import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClaims, settle, stake } from '../../../../src/core/claims.ts';
import { applyEvents, type Cluster, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire, type NodeIdentity } from '../../../../src/core/desire/desire.ts';
import { localNodeOf } from '../../../../src/core/desire/node.ts';
import { type Decision, explain, oracle, type Question } from '../../../../src/core/explain.ts';
import type { ClusterObject, Family } from '../../../../src/core/model/objects.ts';
import { endpoint, node, OUR_NODE, policy, service, slice } from '../../../helpers/objects.ts';

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
  })
  .map(({ endpointWeights, ...fields }) => policy(endpointWeights, fields));

const someNodeObject: fc.Arbitrary<ClusterObject> = fc
  .record({
    name: fc.constantFrom('node-a', 'node-b'),
    zone: fc.constantFrom('', ...ZONES),
    addresses: fc.subarray([...NODE_ADDRESSES]),
  })
  .map(node);

const someObjects = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: someService },
    { weight: 4, arbitrary: someSlice },
    { weight: 2, arbitrary: somePolicy },
    { weight: 2, arbitrary: someNodeObject },
  ),
  { minLength: 4, maxLength: 14 },
);
const someNode: fc.Arbitrary<NodeIdentity> = fc.record({
  name: nodeName,
  proxyName: rarely.map((ours) => (ours ? 'other' : '')),
  externalIPs: fc.boolean(),
});

const clusterOf = (objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  return cluster;
};

interface Answer {
  readonly outcome: Decision['outcome'];
  readonly portId?: string;
  readonly shares: ReadonlyMap<string, number>;
}

const LEFT_ALONE: Answer = { outcome: 'left alone', shares: new Map() };

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
        answers.set(closedText(address), { outcome: 'refused', shares: new Map() });
      }
      for (const group of groups) {
        const shares = oracle(group);
        for (const address of group.addresses) {
          const question = questionText({ address, port: group.port, protocol });
          expect(answers.has(question), `${question} has two owners`).toBe(false);
          answers.set(question, { outcome: shares.size > 0 ? 'sent' : 'refused', portId: id, shares });
        }
      }
    }
  }
  return answers;
};

const explainedAnswer = (decision: Decision): Answer => {
  if (decision.outcome === 'left alone') return LEFT_ALONE;
  if (!('endpoints' in decision)) return { outcome: 'refused', shares: new Map() };
  const shares = new Map<string, number>();
  for (const { address, port, verdict } of decision.endpoints) {
    const socket = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    if (verdict.verdict === 'share') shares.set(socket, verdict.weight / verdict.of);
  }
  return { outcome: decision.outcome, portId: decision.portId, shares };
};

const questionText = ({ address, port, protocol }: Question): string => `${address} ${port} ${protocol}`;

const closedText = (address: string): string => `all else at ${address}`;

const QUESTIONS: readonly Question[] = [
  ...new Set<string>([...ADDRESSES, ...EXTERNAL_ADDRESSES, ...NODE_ADDRESSES]),
].flatMap((address) =>
  [...PORTS, ...NODE_PORTS].flatMap((port) => PROTOCOLS.map((protocol) => ({ address, port, protocol }))),
);

it('explain says of every connection what desire programs for it', () => {
  fc.assert(
    fc.property(someObjects, someNode, (objects, identity) => {
      const cluster = clusterOf(objects);
      const answers = desiredAnswers(cluster, identity);
      for (const question of QUESTIONS) {
        const wanted = answers.get(questionText(question)) ?? answers.get(closedText(question.address)) ?? LEFT_ALONE;
        expect(explainedAnswer(explain({ cluster, node: identity }, question)), questionText(question)).toEqual(wanted);
        const table = wanted.outcome === 'left alone' ? null : wanted.shares;
        expect(explain({ cluster, node: identity, table }, question).kernel?.agrees).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

it('shares of a decision add up to one', () => {
  fc.assert(
    fc.property(someObjects, someNode, (objects, identity) => {
      const cluster = clusterOf(objects);
      for (const question of QUESTIONS) {
        const { outcome, shares } = explainedAnswer(explain({ cluster, node: identity }, question));
        const sum = [...shares.values()].reduce((total, share) => total + share, 0);
        expect(sum).toBeCloseTo(outcome === 'sent' ? 1 : 0, 9);
      }
    }),
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
