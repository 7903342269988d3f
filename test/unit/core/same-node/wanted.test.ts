import { describe, expect, test } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { wantedEnds } from '../../../../src/core/same-node/wanted.ts';
import {
  destinationRule,
  endpoint,
  NOT_READY,
  OUR_NODE,
  pod,
  policy,
  service,
  slice,
} from '../../../helpers/objects.ts';

const clusterOf = (objects: readonly ClusterObject[]) => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  return cluster;
};

/** `10.1.0.1 local`, `10.1.0.1:8080 served`. */
const endsOf = (objects: readonly ClusterObject[], node: { readonly proxyName?: string } = {}): readonly string[] =>
  wantedEnds(clusterOf(objects), { ...OUR_NODE, ...node }).map(({ address, port, mode }) =>
    port === 0 ? `${address} ${mode}` : `${address}:${port} ${mode}`,
  );

const A = pod({ name: 'a', addresses: ['10.1.0.1'] });
const B = pod({ name: 'b', addresses: ['10.1.0.2', 'fd00::2'] });
const ELSEWHERE = pod({ name: 'c', addresses: ['10.1.0.3'], node: 'node-b' });
const WEB = [service(), slice([endpoint('10.1.0.1'), endpoint('10.1.0.3')])] as const;
const REDIRECT = policy([], { sameNode: 'Redirect' });
const SERVED = ['10.1.0.1 local', '10.1.0.1:8080 served', '10.1.0.2 local', 'fd00::2 local'];

describe('those who take part', () => {
  test.each<[title: string, objects: readonly ClusterObject[], ends: readonly string[]]>([
    ['are nobody when nobody asks', [A, B, ...WEB, policy([])], []],
    ['are nobody when a policy says Plain', [A, B, ...WEB, policy([], { sameNode: 'Plain' })], []],
    [
      'are the endpoints here of a Service whose policy says so, and all Pods here',
      [A, B, ELSEWHERE, ...WEB, REDIRECT],
      SERVED,
    ],
    [
      'are all Pods here when one of them asks',
      [{ ...A, sameNode: 'redirect' }, B, ELSEWHERE],
      ['10.1.0.1 redirect', '10.1.0.2 local', 'fd00::2 local'],
    ],
    ['are nobody when only a Pod elsewhere asks', [A, { ...ELSEWHERE, sameNode: 'redirect' }], []],
    ['are nobody when only Pods elsewhere are such endpoints', [B, ELSEWHERE, ...WEB, REDIRECT], []],
    [
      'are nobody when the only such endpoint is labelled plain',
      [{ ...A, sameNode: 'plain' }, B, ...WEB, REDIRECT],
      [],
    ],
    [
      'are not as endpoints those that are labelled plain',
      [{ ...A, sameNode: 'plain' }, { ...B, sameNode: 'redirect' }, ...WEB, REDIRECT],
      ['10.1.0.1 plain', '10.1.0.2 redirect', 'fd00::2 redirect'],
    ],
    [
      'are endpoints that are not ready: their connections go on',
      [A, B, service(), slice([endpoint('10.1.0.1', NOT_READY)]), REDIRECT],
      SERVED,
    ],
    [
      'are no Pods in the network of the node',
      [A, pod({ name: 'host', addresses: [] }), { ...B, addresses: [], sameNode: 'redirect' }],
      [],
    ],
    [
      'are no endpoints of UDP',
      [
        A,
        service({ ports: [{ name: 'http', protocol: 'UDP', port: 80 }] }),
        slice([endpoint('10.1.0.1')], { ports: [{ name: 'http', protocol: 'UDP', port: 8080 }] }),
        REDIRECT,
      ],
      [],
    ],
    [
      'are no endpoints of a port that the Service does not have',
      [A, service({ ports: [{ name: 'admin', protocol: 'TCP', port: 80 }] }), slice([endpoint('10.1.0.1')]), REDIRECT],
      [],
    ],
    [
      'are endpoints of headless Services',
      [A, B, service({ headless: true, clusterIPs: [] }), WEB[1], REDIRECT],
      SERVED,
    ],
    ['are not those of a Service that there is not', [A, WEB[1], REDIRECT], []],
    ["are not those of another proxy's Service", [A, service({ proxyName: 'other' }), WEB[1], REDIRECT], []],
    [
      'are endpoints of all ports, each once',
      [
        A,
        service({
          ports: [
            { name: 'http', protocol: 'TCP', port: 80 },
            { name: 'admin', protocol: 'TCP', port: 81 },
          ],
        }),
        slice([endpoint('10.1.0.1')], {
          ports: [
            { name: 'http', protocol: 'TCP', port: 8080 },
            { name: 'admin', protocol: 'TCP', port: 443 },
          ],
        }),
        slice([endpoint('10.1.0.1')], { name: 'web-2' }),
        REDIRECT,
      ],
      ['10.1.0.1 local', '10.1.0.1:443 served', '10.1.0.1:8080 served'],
    ],
    [
      'are the endpoint of two Services as the one asks that asks for it',
      [
        A,
        B,
        ...WEB,
        service({ name: 'other' }),
        slice([endpoint('10.1.0.1')], { name: 'o-1', service: 'other' }),
        REDIRECT,
        policy([], { name: 'other', services: ['other'], sameNode: 'Plain' }),
      ],
      SERVED,
    ],
    [
      'are of two Pods that have one address for a moment the one that wants it least',
      [
        { ...A, sameNode: 'redirect' },
        pod({ name: 'before', addresses: ['10.1.0.1'] }),
        { ...B, sameNode: 'redirect' },
      ],
      ['10.1.0.1 local', '10.1.0.2 redirect', 'fd00::2 redirect'],
    ],
  ])('%s', (_, objects, ends) => {
    expect(endsOf(objects)).toEqual(ends);
    expect(endsOf(objects.toReversed())).toEqual(ends);
  });
});

describe('of several policies the one that governs counts', () => {
  const younger = policy([], { name: 'a', createdAtMs: 5, sameNode: 'Redirect' });
  test.each<[title: string, policies: readonly ClusterObject[], isServed: boolean]>([
    ['the older one, which says nothing of it', [policy([]), younger], false],
    ['the older one, which says Plain', [policy([], { sameNode: 'Plain' }), younger], false],
    ['the older one, which says Redirect', [REDIRECT, { ...younger, sameNode: 'Plain' }], true],
    [
      'not one for some clients',
      [policy([], { sameNode: 'Redirect', clients: { matchLabels: {}, matchExpressions: [] } })],
      false,
    ],
    [
      'whatever one for some clients says',
      [
        { ...REDIRECT, createdAtMs: 9 },
        policy([], { name: 'some', clients: { matchLabels: {}, matchExpressions: [] } }),
      ],
      true,
    ],
    [
      'before any DestinationRule',
      [{ ...REDIRECT, createdAtMs: 9 }, destinationRule({ algorithm: 'RoundRobin' })],
      true,
    ],
    ['not one of another namespace', [policy([], { namespace: 'other', sameNode: 'Redirect' })], false],
  ])('%s', (_, policies, isServed) => {
    expect(endsOf([A, B, ...WEB, ...policies])).toEqual(isServed ? SERVED : []);
  });
});

test('Services are those of the proxy that we are', () => {
  expect(endsOf([A, B, service({ proxyName: 'ours' }), WEB[1], REDIRECT], { proxyName: 'ours' })).toEqual(SERVED);
});

test('nothing is looked at while nobody asks', () => {
  const cluster = clusterOf([A, ...WEB, policy([])]);
  const untouchable = new Proxy(new Map(), {
    get: () => {
      throw new Error('looked at');
    },
  });
  expect(wantedEnds({ ...cluster, pods: untouchable, services: untouchable }, OUR_NODE)).toEqual([]);
});
