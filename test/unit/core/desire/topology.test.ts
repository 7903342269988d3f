import { describe, expect, it } from 'vitest';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { EndpointObject, Hints } from '../../../../src/core/model/objects.ts';
import {
  desiredLines,
  endpoint,
  NOT_READY,
  OUR_NODE,
  policy,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../../../helpers/objects.ts';

const HERE = { ...OUR_NODE, zone: 'z1' };

const forZones = (...zones: readonly string[]): { readonly hints: Hints } => ({ hints: { zones, nodes: [] } });
const forNode = (node: string, zone: string): { readonly hints: Hints } => ({
  hints: { zones: [zone], nodes: [node] },
});

interface Row {
  readonly rule: string;
  readonly endpoints: readonly EndpointObject[];
  readonly node?: Partial<typeof HERE>;
  readonly local?: true;
  readonly weights?: Parameters<typeof policy>[0];
  /** Last bytes of the endpoints that answer. */
  readonly want: readonly number[];
}

const answering = ({ endpoints, node, local, weights }: Row): readonly number[] => {
  const { ports } = desire({
    service: service({ internalTrafficPolicy: local ? 'Local' : 'Cluster' }),
    slices: [slice(endpoints)],
    policies: weights === undefined ? [] : [policy(weights)],
    node: { ...HERE, ...node },
  });
  const [line = ''] = desiredLines(ports);
  return [...line.matchAll(/10\.1\.0\.(\d+):/g)].map(([, byte]) => Number(byte));
};

/** As kube-proxy chooses (pkg/proxy/topology.go). */
describe('of the endpoints, by their hints', () => {
  it.each<Row>([
    {
      rule: 'those for this zone answer',
      endpoints: [endpoint('10.1.0.1', forZones('z1')), endpoint('10.1.0.2', forZones('z2'))],
      want: [1],
    },
    {
      rule: 'one that is for several zones answers in each of them',
      endpoints: [endpoint('10.1.0.1', forZones('z2', 'z1')), endpoint('10.1.0.2', forZones('z2'))],
      want: [1],
    },
    {
      rule: 'all answer when a ready one has no hint',
      endpoints: [endpoint('10.1.0.1', forZones('z1')), endpoint('10.1.0.2')],
      want: [1, 2],
    },
    {
      rule: 'one without a hint that is not ready takes nothing away from the others',
      endpoints: [
        endpoint('10.1.0.1', forZones('z1')),
        endpoint('10.1.0.2', forZones('z2')),
        endpoint('10.1.0.3', NOT_READY),
      ],
      want: [1],
    },
    {
      rule: 'all answer when none is for this zone: far is better than not at all',
      endpoints: [endpoint('10.1.0.1', forZones('z2')), endpoint('10.1.0.2', forZones('z3'))],
      want: [1, 2],
    },
    {
      rule: 'all answer when the only one for this zone is not ready',
      endpoints: [endpoint('10.1.0.1', { ...forZones('z1'), ...NOT_READY }), endpoint('10.1.0.2', forZones('z2'))],
      want: [2],
    },
    {
      rule: 'all answer on a node whose zone is not known',
      node: { zone: '' },
      endpoints: [endpoint('10.1.0.1', forZones('z1')), endpoint('10.1.0.2', forZones('z2'))],
      want: [1, 2],
    },
    {
      rule: 'those for this node answer before those for its zone',
      endpoints: [
        endpoint('10.1.0.1', forNode('node-a', 'z1')),
        endpoint('10.1.0.2', forNode('node-b', 'z1')),
        endpoint('10.1.0.3', forNode('node-c', 'z2')),
      ],
      want: [1],
    },
    {
      rule: 'those for this zone answer when none is for this node',
      endpoints: [endpoint('10.1.0.2', forNode('node-b', 'z1')), endpoint('10.1.0.3', forNode('node-c', 'z2'))],
      want: [2],
    },
    {
      rule: 'those for this zone answer when only some have hints for nodes',
      endpoints: [
        endpoint('10.1.0.1', forNode('node-a', 'z1')),
        endpoint('10.1.0.2', forZones('z1')),
        endpoint('10.1.0.3', forZones('z2')),
      ],
      want: [1, 2],
    },
    {
      rule: 'those of terminating ones do not count when none is ready',
      endpoints: [
        endpoint('10.1.0.1', { ...forZones('z1'), ...SERVES_WHILE_TERMINATING }),
        endpoint('10.1.0.2', { ...forZones('z2'), ...SERVES_WHILE_TERMINATING }),
      ],
      want: [1, 2],
    },
    {
      rule: 'none counts with internalTrafficPolicy Local, which looks at nodes alone',
      local: true,
      endpoints: [
        endpoint('10.1.0.1', { ...forZones('z2'), node: 'node-a' }),
        endpoint('10.1.0.2', { ...forZones('z1'), node: 'node-b' }),
      ],
      want: [1],
    },
    {
      rule: 'those of a drained endpoint do not count: the others of the zone are asked, then all',
      weights: [{ zone: 'z1', weight: 0 }],
      endpoints: [
        endpoint('10.1.0.1', { ...forZones('z1'), zone: 'z1' }),
        endpoint('10.1.0.2', { ...forZones('z2'), zone: 'z2' }),
      ],
      want: [2],
    },
  ])('$rule', (row) => {
    expect(answering(row)).toEqual(row.want);
  });
});
