import { describe, expect, test } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import { explain, renderExplain, type SameNodeObstacle } from '../../../../src/core/explain.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { backend, endpoint, OUR_NODE, pod, policy, route, service, slice } from '../../../helpers/objects.ts';

const CLIENT = pod({ name: 'client', addresses: ['10.1.0.9'] });
const A = pod({ name: 'a', addresses: ['10.1.0.1'] });
const B = pod({ name: 'b', addresses: ['10.1.0.2'], sameNode: 'plain' });
const ELSEWHERE = pod({ name: 'c', addresses: ['10.1.0.3'], node: 'node-b' });
const WEB = [service(), slice([endpoint('10.1.0.1'), endpoint('10.1.0.2'), endpoint('10.1.0.3')])] as const;
const REDIRECT = policy([], { sameNode: 'Redirect' });
const ALL = [CLIENT, A, B, ELSEWHERE, ...WEB, REDIRECT] as const;

interface Asked {
  readonly objects?: readonly ClusterObject[];
  readonly client?: string;
  readonly address?: string;
  readonly port?: number;
  readonly obstacle?: SameNodeObstacle;
}

const ask = ({ objects = ALL, client = 'shop/client', address = '10.96.0.1', port = 80, obstacle }: Asked) => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  const question = { address, port, protocol: 'TCP', ...(client === '' ? {} : { client }) } as const;
  return explain({ cluster, node: OUR_NODE, sameNode: obstacle }, question);
};

const linesOf = (asked: Asked): readonly string[] =>
  renderExplain(ask(asked)).filter((line) => /^On this node/.test(line));

describe('an explanation for a Pod says of each endpoint on its node', () => {
  test('whether they talk socket to socket, and why', () => {
    expect(linesOf({})).toEqual([
      'On this node 10.1.0.1:8080 (Pod shop/a) is reached socket to socket, once both read as event loops do: TrafficPolicy shop/weights says so for Service shop/web.',
      'On this node 10.1.0.2:8080 (Pod shop/b) is reached by TCP: Pod shop/b is labelled shunt.dev/same-node=plain.',
    ]);
    expect(ask({}).sameNode).toEqual([
      {
        address: '10.1.0.1',
        port: 8080,
        pod: 'shop/a',
        redirected: true,
        reason: 'policy',
        service: 'shop/web',
        policy: 'TrafficPolicy shop/weights',
      },
      { address: '10.1.0.2', port: 8080, pod: 'shop/b', redirected: false, reason: 'plain', labelled: 'shop/b' },
    ]);
  });

  test.each<[title: string, asked: Asked, reasons: readonly string[]]>([
    [
      'also where they are arms of a route',
      {
        objects: [
          ...ALL.slice(0, 4),
          service(),
          service({ name: 'web-v1', clusterIPs: ['10.96.0.2'] }),
          slice([endpoint('10.1.0.1')], { service: 'web-v1' }),
          { ...REDIRECT, services: ['web-v1'] },
          route({ backends: [backend('web-v1'), backend('web-v1', { weight: 2 })] }),
        ],
      },
      ['policy'],
    ],
    ['also at its own address', { address: '10.1.0.1', port: 8080 }, ['policy']],
    ['also at another port of it', { address: '10.1.0.1', port: 22 }, ['nobody asks']],
    [
      'also at the address of a Pod that answers for no Service',
      {
        objects: [
          { ...CLIENT, sameNode: 'redirect' },
          { ...A, sameNode: 'redirect' },
        ],
        address: '10.1.0.1',
        port: 5,
      },
      ['labels'],
    ],
    ['when only one is labelled', { objects: [{ ...CLIENT, sameNode: 'redirect' }, A, ...WEB] }, ['one label']],
    ['when the agent was told not to', { obstacle: 'off' }, ['off', 'plain']],
    ['when the kernel cannot', { obstacle: 'unavailable' }, ['unavailable', 'plain']],
  ])('%s', (_, asked, reasons) => {
    expect(ask(asked).sameNode?.map(({ reason }) => reason)).toEqual(reasons);
    expect(linesOf(asked)).toHaveLength(reasons.length);
  });

  test('which is another than it is asked on, whatever hinders that one', () => {
    const near = pod({ name: 'd', addresses: ['10.1.0.8'], node: 'node-b' });
    const asked = { objects: [...ALL, near], client: 'shop/d', obstacle: 'off' } as const;
    expect(ask(asked).sameNode).toEqual([expect.objectContaining({ pod: 'shop/c', redirected: true })]);
  });

  test.each<[title: string, asked: Asked]>([
    ['nobody asks for it', { objects: ALL.filter((object) => object !== REDIRECT) }],
    ['no Pod is named', { client: '' }],
    ['the Pod is not known', { client: 'shop/unknown' }],
    ['the Pod is in the network of the node', { objects: [...ALL, { ...CLIENT, addresses: [] }] }],
    ['the address is nobody’s', { address: '10.1.0.77' }],
    ['the connection is refused', { objects: [...ALL, slice([])] }],
    ['the endpoint is elsewhere', { address: '10.1.0.3', port: 8080 }],
  ])('nothing when %s', (_, asked) => {
    expect(ask(asked)).not.toHaveProperty('sameNode');
    expect(linesOf(asked)).toEqual([]);
  });
});
