import fc from 'fast-check';
import { expect, it } from 'vitest';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { EndpointObject, ServiceObject } from '../../../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, service, slice } from '../../../helpers/objects.ts';

const ZONES = ['z1', 'z2'] as const;
const NODES = ['node-a', 'node-b'] as const;

const someEndpoint = (address: string): fc.Arbitrary<EndpointObject> =>
  fc
    .record({
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      node: fc.constantFrom('', ...NODES),
      zones: fc.subarray([...ZONES]),
      nodes: fc.subarray([...NODES]),
    })
    .map(({ zones, nodes, ...fields }) => endpoint(address, { ...fields, hints: { zones, nodes } }));

const someEndpoints = fc
  .subarray(['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'])
  .chain((addresses) => fc.tuple(...addresses.map(someEndpoint)));

/** kube-proxy's choice, step by step as its rules are written down (CategorizeEndpoints in pkg/proxy/topology.go). */
const kubeProxy = (all: readonly EndpointObject[], { internalTrafficPolicy }: ServiceObject, zone: string) => {
  const isHere = ({ node }: EndpointObject): boolean => node === OUR_NODE.name;
  const fallback = ({ serving, terminating }: EndpointObject): boolean => serving && terminating;
  if (internalTrafficPolicy === 'Local') {
    const ready = all.filter((each) => each.ready && isHere(each));
    return ready.length > 0 ? ready : all.filter((each) => isHere(each) && fallback(each));
  }
  const ready = all.filter((each) => each.ready);
  if (ready.length === 0) return all.filter(fallback);
  const forNode = ready.filter(({ hints }) => hints.nodes.includes(OUR_NODE.name));
  if (ready.every(({ hints }) => hints.nodes.length > 0) && forNode.length > 0) return forNode;
  const forZone = ready.filter(({ hints }) => hints.zones.includes(zone));
  return ready.every(({ hints }) => hints.zones.length > 0) && forZone.length > 0 ? forZone : ready;
};

it('chooses the endpoints that kube-proxy chooses, whatever their conditions, nodes and hints', () => {
  const policies = fc.constantFrom('Cluster', 'Cluster', 'Local');
  fc.assert(
    fc.property(someEndpoints, policies, fc.constantFrom('', ...ZONES), (endpoints, internalTrafficPolicy, zone) => {
      const object = service({ internalTrafficPolicy });
      const node = { ...OUR_NODE, zone };
      const { ports } = desire({ service: object, slices: [slice(endpoints)], policies: [], node });
      const chosen = ports[0]?.groups[0]?.endpoints.map(({ address }) => address);
      expect(chosen).toEqual(kubeProxy(endpoints, object, zone).map(({ address }) => address));
    }),
    { numRuns: 1000 },
  );
});
