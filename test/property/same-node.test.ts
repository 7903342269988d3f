import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEvents, createCluster } from '../../src/core/cluster.ts';
import type {
  ClusterObject,
  EndpointSliceObject,
  PodObject,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';
import { judgePair } from '../../src/core/same-node/judge.ts';
import { localPods } from '../../src/core/same-node/local-pods.ts';
import { servedSockets } from '../../src/core/same-node/served.ts';
import { wantedEnds } from '../../src/core/same-node/wanted.ts';
import { FakeSameNode } from '../../src/dataplane/fake/same-node.ts';
import { endpoint, OUR_NODE, pod, policy, service, slice } from '../helpers/objects.ts';

/**
 * Whether a pair is joined, worked out a second time: the rule as docs/traffic.md has it, over all objects, without an
 * index or a table. Where it, the table with the rules of the kernel, and `explain` say the same, none has forgotten a case.
 */

const ADDRESSES = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'] as const;
const PORTS = [8080, 8081] as const;
const NAMES = ['web', 'db'] as const;
const CLIENTS = { matchLabels: {}, matchExpressions: [] } as const;

interface World {
  readonly pods: readonly PodObject[];
  readonly services: readonly string[];
  readonly slices: readonly EndpointSliceObject[];
  readonly policies: readonly TrafficPolicyObject[];
}

const isWilling = (world: World, client: PodObject, server: PodObject, address: string, port: number): boolean => {
  if (client.sameNode === 'plain' || server.sameNode === 'plain') return false;
  const isServed = world.services.some(
    (name) => says(world, name) && world.slices.some((each) => each.service === name && has(each, address, port)),
  );
  const isServerWilling = server.sameNode === 'redirect' || isServed;
  const isClientWilling = client.sameNode === 'redirect' || isServed;
  return isServerWilling && isClientWilling;
};

const says = ({ policies }: World, name: string): boolean => {
  const [first] = policies
    .filter((each) => each.clients === undefined && each.services.includes(name))
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1));
  return first?.sameNode === 'Redirect';
};

const has = ({ endpoints, ports }: EndpointSliceObject, address: string, port: number): boolean =>
  endpoints.some((each) => each.address === address) && ports.some((each) => each.port === port);

const somePods = fc.tuple(
  ...ADDRESSES.map((address, index) =>
    fc
      .record({
        sameNode: fc.constantFrom('' as const, '' as const, 'redirect' as const, 'plain' as const),
        node: fc.constantFrom('node-a', 'node-a', 'node-a', 'node-b'),
        isHosts: fc.constantFrom(false, false, false, true),
      })
      .map(({ isHosts, ...fields }) => pod({ name: `pod-${index}`, addresses: isHosts ? [] : [address], ...fields })),
  ),
);

const someSlices = fc
  .array(
    fc.record({
      service: fc.constantFrom(...NAMES),
      addresses: fc.subarray([...ADDRESSES]),
      port: fc.constantFrom(...PORTS),
    }),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(({ service: name, addresses, port }, index) =>
      slice(
        addresses.map((address) => endpoint(address)),
        { name: `s-${index}`, service: name, ports: [{ name: 'http', protocol: 'TCP', port }] },
      ),
    ),
  );

const somePolicies = fc
  .array(
    fc.record({
      services: fc.subarray([...NAMES], { minLength: 1 }),
      sameNode: fc.constantFrom('Redirect' as const, 'Redirect' as const, 'Plain' as const, undefined),
      createdAtMs: fc.nat(2),
      isForSome: fc.constantFrom(false, false, true),
    }),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(({ isForSome, sameNode, ...fields }, index) =>
      policy([], {
        name: `p-${index}`,
        ...fields,
        ...(sameNode === undefined ? {} : { sameNode }),
        clients: isForSome ? CLIENTS : undefined,
      }),
    ),
  );

const someWorld: fc.Arbitrary<World> = fc.record({
  pods: somePods,
  services: fc.subarray([...NAMES], { minLength: 1 }),
  slices: someSlices,
  policies: somePolicies,
});

test('a pair is joined exactly when both its ends are willing, however the objects came', () => {
  const met = { joined: 0, apart: 0, detached: 0 };
  const events = someWorld.chain((world) => {
    const objects: readonly ClusterObject[] = [
      ...world.pods,
      ...world.services.map((name) => service({ name })),
      ...world.slices,
      ...world.policies,
    ];
    return fc.tuple(
      fc.constant(world),
      fc.shuffledSubarray([...objects], { minLength: objects.length }),
      // What was there before, and is gone or another by now.
      fc.array(
        someWorld.map(({ policies, pods }) => [...policies, ...pods]),
        { maxLength: 1 },
      ),
    );
  });
  fc.assert(
    fc.property(events, ([world, objects, before]) => {
      const cluster = createCluster();
      const old = before.flat();
      applyEvents(
        cluster,
        old.map((object) => ({ type: 'put', object })),
      );
      applyEvents(
        cluster,
        old.map((ref) => ({ type: 'delete', ref })),
      );
      applyEvents(
        cluster,
        objects.map((object) => ({ type: 'put', object })),
      );
      const fake = new FakeSameNode();
      fake.set(wantedEnds(cluster, OUR_NODE));
      const pods = localPods(cluster, OUR_NODE);
      const served = servedSockets(cluster, OUR_NODE, pods);
      let isAnyJoined = false;
      for (const client of world.pods) {
        for (const server of world.pods) {
          const [from, to] = [client.addresses[0], server.addresses[0]];
          if (from === undefined || to === undefined) continue;
          for (const port of PORTS) {
            const isHere = client.node === OUR_NODE.name && server.node === OUR_NODE.name;
            const isWanted = isHere && isWilling(world, client, server, to, port);
            expect(fake.joins(from, to, port)).toBe(isWanted);
            const judgement = judgePair(served, { client, server, address: to, port });
            if (isHere) expect(judgement.redirected).toBe(isWanted);
            isAnyJoined ||= isWanted;
            met[isWanted ? 'joined' : 'apart']++;
          }
        }
      }
      if (isAnyJoined) expect(fake.isAttached).toBe(true);
      met.detached += Number(!fake.isAttached);
    }),
    { numRuns: 3000 },
  );
  // Each was met, and not by chance alone.
  expect(Math.min(...Object.values(met))).toBeGreaterThan(100);
});
