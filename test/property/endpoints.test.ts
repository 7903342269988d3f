import fc from 'fast-check';
import { expect, test } from 'vitest';
import { desire } from '../../src/core/desire/desire.ts';
import type { LocalNode } from '../../src/core/desire/node.ts';
import type { DesiredGroup } from '../../src/core/model/desired.ts';
import type { EndpointObject, EndpointSliceObject, ServiceObject } from '../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, service, slice } from '../helpers/objects.ts';

/**
 * Who answers, worked out a second time: kube-proxy's rules (pkg/proxy/topology.go), written down one after the other
 * without a thought of speed. Where both say the same of any cluster, neither has forgotten one.
 */

const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ZONES = ['z1', 'z2'] as const;
const NODE_ADDRESS = '192.0.2.1';
const PORT = { name: 'http', protocol: 'TCP', port: 80, nodePort: 30_080 } as const;

const kubeProxy = (object: ServiceObject, slices: readonly EndpointSliceObject[], node: LocalNode) => {
  const endpoints = distinct(object, slices);
  const cluster = forCluster(object, endpoints, node);
  const local = forNode(object, endpoints, node);
  return { cluster: object.internalTrafficPolicy === 'Local' ? local : cluster, node: cluster };
};

/** Of several that are one address and port, a ready one, else one that serves, in the order of slice names. */
const distinct = (object: ServiceObject, slices: readonly EndpointSliceObject[]): readonly EndpointObject[] => {
  const all = [...slices]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter(({ ports }) => ports.some(({ name, protocol }) => name === PORT.name && protocol === PORT.protocol))
    .flatMap(({ endpoints }) => endpoints);
  const ordered = [...all.filter((each) => isReady(object, each)), ...all.filter(isServingTerminating), ...all];
  return ordered.filter((each, at) => ordered.findIndex(({ address }) => address === each.address) === at);
};

const isReady = ({ publishNotReadyAddresses }: ServiceObject, { ready }: EndpointObject): boolean =>
  ready || publishNotReadyAddresses;

const isServingTerminating = ({ serving, terminating }: EndpointObject): boolean => serving && terminating;

const forCluster = (object: ServiceObject, endpoints: readonly EndpointObject[], { name, zone }: LocalNode) => {
  const ready = endpoints.filter((each) => isReady(object, each));
  const byNode = ready.every(({ hints }) => hints.nodes.length > 0);
  const byZone = ready.every(({ hints }) => hints.zones.length > 0);
  const forThisNode = ready.filter(({ hints }) => hints.nodes.includes(name));
  const forThisZone = ready.filter(({ hints }) => hints.zones.includes(zone));
  if (ready.length === 0) return endpoints.filter(isServingTerminating);
  if (byNode && forThisNode.length > 0) return forThisNode;
  if (byZone && zone !== '' && forThisZone.length > 0) return forThisZone;
  return ready;
};

const forNode = (object: ServiceObject, endpoints: readonly EndpointObject[], { name }: LocalNode) => {
  const local = endpoints.filter(({ node }) => node === name);
  const ready = local.filter((each) => isReady(object, each));
  return ready.length > 0 ? ready : local.filter(isServingTerminating);
};

const ADDRESSES = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5'] as const;

const someEndpoint = fc
  .record({
    address: fc.constantFrom(...ADDRESSES),
    ready: fc.boolean(),
    serving: fc.boolean(),
    terminating: fc.boolean(),
    zones: fc.subarray([...ZONES]),
    nodes: fc.subarray([...NODES]),
    // Without these nearly no set of endpoints would have hints throughout.
    hinted: fc.constantFrom('as given', ...Array(4).fill('for a zone'), ...Array(4).fill('for a node')),
  })
  .map(({ address, zones, nodes, hinted, ...fields }) => {
    const hints = {
      zones: hinted === 'as given' || zones.length > 0 ? zones : ['z1'],
      nodes: hinted === 'for a node' && nodes.length === 0 ? ['node-b'] : hinted === 'for a zone' ? [] : nodes,
    };
    return endpoint(address, { ...fields, hints });
  });

/** An address is on one node, whatever else its slices disagree about. */
const somePlaces = fc.tuple(...ADDRESSES.map(() => fc.constantFrom('', ...NODES)));

const placed = (slices: readonly EndpointSliceObject[], places: readonly string[]): readonly EndpointSliceObject[] =>
  slices.map((each) => ({
    ...each,
    endpoints: each.endpoints.map((one) => ({
      ...one,
      node: places[ADDRESSES.indexOf(one.address as (typeof ADDRESSES)[number])] as string,
    })),
  }));

const someSlices = fc
  .array(
    fc.record({
      endpoints: fc.array(someEndpoint, { maxLength: 4 }),
      port: fc.constantFrom('http', 'http', 'http', 'admin'),
    }),
    { maxLength: 3 },
  )
  .chain((all) =>
    // Names in any order: it is by them, not by when they come, that slices are looked at.
    fc
      .shuffledSubarray(['s1', 's2', 's3'], { minLength: 3 })
      .map((names) =>
        all.map(({ endpoints, port }, at) =>
          slice(endpoints, { name: names[at] as string, ports: [{ name: port, protocol: 'TCP', port: 8080 }] }),
        ),
      ),
  );

const someService = fc
  .record({
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    publishNotReadyAddresses: fc.constantFrom(false, false, true),
  })
  .map((fields) => service({ type: 'NodePort', ports: [PORT], ...fields }));

const someNode = fc.record({ name: fc.constantFrom(...NODES), zone: fc.constantFrom('', ...ZONES) });

test('the endpoints that answer at a cluster address and at a node port are those of kube-proxy’s rules', () => {
  const met = { local: 0, near: 0, terminating: 0, refused: 0 };
  fc.assert(
    fc.property(someService, someSlices, somePlaces, someNode, (object, unplaced, places, fields) => {
      const slices = placed(unplaced, places);
      const node = { ...OUR_NODE, ...fields, addresses: [NODE_ADDRESS] };
      const [port] = desire({ service: object, slices, policies: [], node }).ports;
      const answering = (kind: DesiredGroup['kind']): readonly string[] =>
        (port?.groups.find((group) => group.kind === kind)?.endpoints ?? []).map(({ address }) => address);
      const wanted = kubeProxy(object, slices, node);
      expect(answering('cluster')).toEqual(addresses(wanted.cluster));
      expect(answering('node')).toEqual(addresses(wanted.node));

      const all = distinct(object, slices);
      met.local += Number(wanted.cluster.length > 0 && wanted.cluster !== wanted.node);
      met.near += Number(
        wanted.node.length > 0 && wanted.node.length < all.filter((each) => isReady(object, each)).length,
      );
      met.terminating += Number(wanted.node.length > 0 && !wanted.node.some((each) => isReady(object, each)));
      met.refused += Number(wanted.cluster.length === 0 && all.length > 0);
    }),
    { numRuns: 10_000 },
  );
  // Every rule was met, and not by chance alone.
  expect(Math.min(...Object.values(met))).toBeGreaterThan(100);
});

const addresses = (endpoints: readonly EndpointObject[]): readonly string[] =>
  endpoints.map(({ address }) => address).sort();
