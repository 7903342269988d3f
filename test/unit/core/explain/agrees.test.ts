import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClaims, settle, stake } from '../../../../src/core/claims.ts';
import { applyEvents, type Cluster, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire, type NodeIdentity } from '../../../../src/core/desire/desire.ts';
import { type Decision, explain, oracle, type Question } from '../../../../src/core/explain.ts';
import type { ClusterObject, Family } from '../../../../src/core/model/objects.ts';
import { endpoint, policy, service, slice } from '../../../helpers/objects.ts';

// A world so small that everything meets: names, addresses, ports and ages.

const ADDRESSES = ['10.96.0.1', '10.96.0.2', 'fd00:96::1'] as const;
const PORTS = [80, 81] as const;
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
    }),
    { maxLength: 2, comparator: (a, b) => a.name === b.name || (a.port === b.port && a.protocol === b.protocol) },
  );

const someService: fc.Arbitrary<ClusterObject> = fc
  .record({
    name: serviceName,
    createdAtMs: fc.nat(2),
    headless: rarely,
    proxyName: rarely.map((foreign) => (foreign ? 'other' : undefined)),
    clusterIPs: fc.uniqueArray(fc.constantFrom(...ADDRESSES), { minLength: 1, maxLength: 2 }),
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
      pod: fc.constantFrom('', 'stable-1', 'canary-1'),
    })
    .map(({ address, ...fields }) => endpoint(address, fields));

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

const someObjects = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: someService },
    { weight: 4, arbitrary: someSlice },
    { weight: 2, arbitrary: somePolicy },
  ),
  { minLength: 4, maxLength: 14 },
);
const someNode: fc.Arbitrary<NodeIdentity> = fc.record({
  name: nodeName,
  proxyName: rarely.map((ours) => (ours ? 'other' : '')),
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
const desiredAnswers = (cluster: Cluster, node: NodeIdentity): ReadonlyMap<string, Answer> => {
  const claims = createClaims();
  const desired = [...cluster.services.keys()].map((key) => {
    const input = inputFor(cluster, key);
    if (input === undefined) throw new Error(`no ${key}`);
    const { ports } = desire({ ...input, node });
    stake(claims, key, ports.length > 0 ? input.service : undefined);
    return { service: input.service, ports };
  });
  const answers = new Map<string, Answer>();
  for (const { service: owner, ports } of desired) {
    for (const { id, port, protocol, groups } of settle(claims, owner, ports).ports) {
      for (const group of groups) {
        const shares = oracle(group);
        for (const address of group.addresses) {
          const question = questionText({ address, port, protocol });
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
  const shares = new Map<string, number>();
  for (const { address, port, verdict } of decision.endpoints) {
    const socket = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    if (verdict.verdict === 'share') shares.set(socket, verdict.weight / verdict.of);
  }
  return { outcome: decision.outcome, portId: decision.portId, shares };
};

const questionText = ({ address, port, protocol }: Question): string => `${address} ${port} ${protocol}`;

const QUESTIONS: readonly Question[] = ADDRESSES.flatMap((address) =>
  PORTS.flatMap((port) => PROTOCOLS.map((protocol) => ({ address, port, protocol }))),
);

it('explain says of every connection what desire programs for it', () => {
  fc.assert(
    fc.property(someObjects, someNode, (objects, node) => {
      const cluster = clusterOf(objects);
      const answers = desiredAnswers(cluster, node);
      for (const question of QUESTIONS) {
        const wanted = answers.get(questionText(question)) ?? LEFT_ALONE;
        expect(explainedAnswer(explain({ cluster, node }, question))).toEqual(wanted);
        const table = wanted.outcome === 'left alone' ? null : wanted.shares;
        expect(explain({ cluster, node, table }, question).kernel?.agrees).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

it('shares of a decision add up to one', () => {
  fc.assert(
    fc.property(someObjects, someNode, (objects, node) => {
      const cluster = clusterOf(objects);
      for (const question of QUESTIONS) {
        const { outcome, shares } = explainedAnswer(explain({ cluster, node }, question));
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
      const node = { name: 'node-a', proxyName: '' };
      expect(
        desire({ service: service(), slices: slices.toReversed(), policies: policies.toReversed(), node }),
      ).toEqual(desire({ service: service(), slices, policies, node }));
    }),
  );
});
