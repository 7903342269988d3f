import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEvents, type ClusterEvent, createCluster, inputFor } from '../../src/core/cluster.ts';
import { desire } from '../../src/core/desire/desire.ts';
import { oracle } from '../../src/core/explain.ts';
import type {
  PodObject,
  ReferenceGrantObject,
  RouteObject,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, pod, service, slice } from '../helpers/objects.ts';
import { cgroup, grant, labelled, narrowed, route } from '../helpers/route-objects.ts';

/**
 * Which route counts for whom, worked out a second time: the rules of GEP-1294 and of TrafficPolicy's `clients`, written
 * down as a list in the order of precedence, of which the first that is for the client counts.
 */

const KINDS = ['GRPCRoute', 'HTTPRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;
const PORTS = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'dns', protocol: 'UDP', port: 80 },
] as const;

/** Of Services in three namespaces, each with one endpoint that bears its number. */
const BACKENDS = new Map(['shop/web', 'shop/v1', 'bank/v2', 'far/v3'].map((key, index) => [key, `10.1.0.${index}`]));

const SERVICES = [...BACKENDS].flatMap(([key, address]) => {
  const [namespace = '', name = ''] = key.split('/');
  const ports = PORTS.map((port) => ({ ...port, port: 8080 }));
  return [
    service({ namespace, name, clusterIPs: [address.replace('10.1', '10.96')], ports: PORTS }),
    slice([endpoint(address)], { namespace, name: `${name}-1`, service: name, ports }),
  ];
});

const namespace = fc.constantFrom('shop', 'bank');

const someRoute = fc
  .record({
    kind: fc.constantFrom(...KINDS, 'TCPRoute', 'TCPRoute'),
    namespace,
    name: fc.constantFrom('a', 'b', 'c'),
    createdAtMs: fc.nat(3),
    unsupported: fc.constantFrom('', '', '', 'a match'),
    parent: fc.record({
      name: fc.constantFrom('web', 'web', 'web', 'v1'),
      port: fc.constantFrom(undefined, undefined, 80, 81),
      sectionName: fc.constantFrom('', '', 'http', 'dns'),
    }),
    backends: fc.array(
      fc.record({ key: fc.constantFrom(...BACKENDS.keys(), 'shop/gone'), weight: fc.constantFrom(0, 1, 3) }),
      { maxLength: 3 },
    ),
  })
  .map(({ parent, backends, ...fields }) =>
    route(
      backends.map(({ key, weight }) => ({
        namespace: key.split('/')[0] ?? '',
        name: key.split('/')[1] ?? '',
        weight,
      })),
      { parents: [parent], ...fields },
    ),
  );

const somePolicy = fc
  .record({
    namespace,
    name: fc.constantFrom('p', 'q'),
    createdAtMs: fc.nat(2),
    track: fc.constantFrom('canary', 'stable'),
    routes: fc.uniqueArray(fc.record({ kind: fc.constantFrom(...KINDS), name: fc.constantFrom('a', 'b', 'c') }), {
      maxLength: 3,
      selector: ({ kind, name }) => `${kind} ${name}`,
    }),
  })
  .map(({ track, ...fields }) => narrowed({}, { services: [], ...fields, clients: labelled({ track }) }));

const someGrant = fc
  .record({ namespace: fc.constantFrom('shop', 'bank', 'far'), kind: fc.constantFrom(...KINDS), from: namespace })
  .map(({ kind, from, ...fields }) => grant({ ...fields, from: [{ kind, namespace: from }] }));

const PODS = ['shop', 'bank', 'far'].flatMap((space) =>
  ['canary', 'stable'].map((track) => pod({ namespace: space, name: track, labels: { track } })),
);

const CLIENTS = PODS.map(
  ({ namespace: space, name }, index): ClusterEvent => ({
    type: 'client',
    pod: `${space}/${name}`,
    client: cgroup(index + 1),
  }),
);

const distinct = <T extends { readonly kind: string; readonly namespace: string; readonly name: string }>(
  objects: readonly T[],
): readonly T[] => [
  ...new Map(objects.map((object) => [`${object.kind} ${object.namespace}/${object.name}`, object])).values(),
];

interface World {
  readonly routes: readonly RouteObject[];
  readonly policies: readonly TrafficPolicyObject[];
  readonly grants: readonly ReferenceGrantObject[];
}

const byAge = (a: RouteObject | TrafficPolicyObject, b: RouteObject | TrafficPolicyObject): number =>
  a.createdAtMs - b.createdAtMs || (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1);

/** Shares of shop/web's port for a client, by the number of the endpoint; the rest is refused. */
const wanted = ({ routes, policies, grants }: World, port: (typeof PORTS)[number], client: PodObject | undefined) => {
  const attached = routes.filter(
    ({ kind, unsupported, parents: [parent] }) =>
      unsupported === '' &&
      parent?.name === 'web' &&
      (parent.port ?? 80) === 80 &&
      (parent.sectionName === '' || parent.sectionName === port.name) &&
      (kind === 'UDPRoute') === (port.protocol === 'UDP'),
  );
  const trackOf = ({ kind, namespace: space, name }: RouteObject): string | undefined =>
    [...policies]
      .sort(byAge)
      .find((each) => each.namespace === space && each.routes.some((to) => to.kind === kind && to.name === name))
      ?.clients?.matchLabels.track;
  const inOrder = [true, false].flatMap((isConsumers) =>
    [true, false].flatMap((isNarrowed) =>
      KINDS.flatMap((kind) =>
        attached
          .filter((each) => each.kind === kind && (each.namespace !== 'shop') === isConsumers)
          .filter((each) => (trackOf(each) !== undefined) === isNarrowed)
          .sort(byAge),
      ),
    ),
  );
  const first = inOrder.find((each) => {
    if (each.namespace !== 'shop' && each.namespace !== client?.namespace) return false;
    return trackOf(each) === undefined || trackOf(each) === client?.labels.track;
  });
  if (first === undefined) return { '10.1.0.0:8080': 1 };
  const isPermitted = (space: string): boolean =>
    space === first.namespace ||
    grants.some(
      ({ namespace: of, from: [from] }) =>
        of === space && from?.kind === first.kind && from.namespace === first.namespace,
    );
  const total = first.backends.reduce((sum, { weight }) => sum + weight, 0);
  const shares: Record<string, number> = {};
  for (const { namespace: space, name, weight } of first.backends) {
    const address = BACKENDS.get(`${space}/${name}`);
    if (weight === 0 || address === undefined || !isPermitted(space)) continue;
    shares[`${address}:8080`] = (shares[`${address}:8080`] ?? 0) + weight / total;
  }
  return shares;
};

test('the route that counts for each client, and what it shares, are those of the rules', () => {
  const met = { everybody: 0, consumers: 0, producers: 0, refused: 0 };
  const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number) => fc.array(arbitrary, { maxLength, size: 'max' });
  fc.assert(
    fc.property(some(someRoute, 6), some(somePolicy, 3), some(someGrant, 3), (routes, policies, grants) => {
      const world = { routes: distinct(routes), policies: distinct(policies), grants: distinct(grants) };
      const cluster = createCluster();
      const objects = [...SERVICES, ...PODS, ...world.routes, ...world.policies, ...world.grants];
      applyEvents(cluster, [...objects.map((object) => ({ type: 'put', object }) as const), ...CLIENTS]);
      const input = inputFor(cluster, 'shop/web');
      if (input === undefined) throw new Error('no shop/web');
      const { ports } = desire({ ...input, node: OUR_NODE });
      for (const [at, port] of PORTS.entries()) {
        const groups = ports[at]?.groups ?? [];
        for (const [number, client] of [undefined, ...PODS].entries()) {
          const own = number === 0 ? undefined : groups.find((group) => group.client?.cgroup === BigInt(number));
          const group = own ?? groups.find((each) => each.client === undefined);
          if (group === undefined) throw new Error('no group');
          const want = wanted(world, port, client);
          const { shares } = oracle(group);
          expect([...shares.keys()].sort()).toEqual(Object.keys(want).sort());
          for (const [socket, share] of shares) expect(share).toBeCloseTo(want[socket] ?? 0, 9);

          met.everybody += Number(client === undefined && group.arms !== undefined);
          met.consumers += Number(own !== undefined && client?.namespace === 'bank');
          met.producers += Number(own !== undefined && client?.namespace === 'far');
          met.refused += Number(Object.keys(want).length === 0);
        }
      }
    }),
    { numRuns: 2000 },
  );
  // Every rule was met, and not by chance alone.
  expect(Math.min(...Object.values(met))).toBeGreaterThan(10);
});
