import { expect, test } from 'vitest';
import { type ArmsSoFar, goneSockets, noteArms } from '../../../src/agent/gone-sockets.ts';
import { applyEvents, createCluster } from '../../../src/core/cluster.ts';
import type { DesiredPort } from '../../../src/core/model/desired.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import type { Have } from '../../../src/core/plan/have.ts';
import type { StaleSocket } from '../../../src/dataplane/dataplane.ts';
import { endpoint, GONE_SILENT, SERVES_WHILE_TERMINATING, service, slice } from '../../helpers/objects.ts';

/** UDP sockets of a Service that shares its connections with others. Of one alone: `datagram-sweep.test.ts`. */

const DNS = [{ name: 'dns', protocol: 'UDP', port: 53 }] as const;
/** Has another name for its port, and another number. */
const NEXT = [{ name: 'next', protocol: 'UDP', port: 5353 }] as const;
const ID = 'shop/web/dns/UDP';
const OURS = '10.1.0.1';
const THEIRS = '10.1.0.2';

const OWN = [service({ ports: DNS }), slice([endpoint(OURS)], { ports: [{ ...DNS[0], port: 53 }] })];
const other = (...endpoints: Parameters<typeof slice>[0]): readonly ClusterObject[] => [
  service({ name: 'web-v2', clusterIPs: ['10.96.0.2'], ports: NEXT }),
  slice(endpoints, { name: 'web-v2-1', service: 'web-v2', ports: [{ ...NEXT[0], port: 53 }] }),
];

const SHARES: DesiredPort = {
  id: ID,
  protocol: 'UDP',
  port: 53,
  affinityTimeoutS: 0,
  groups: [
    {
      family: 4,
      kind: 'cluster',
      port: 53,
      addresses: ['10.96.0.1'],
      scope: 'cluster',
      endpoints: [],
      arms: ['shop/web:53', 'shop/web-v2:5353@for-some', 'shop/missing:1'].map((id) => ({
        id,
        weight: 1,
        choice: { algorithm: 'WeightedRandom', hashOn: 'Pod' },
        endpoints: [],
      })),
    },
  ],
  closed: [],
};

const socketTo = (address: string): StaleSocket =>
  ({ service: 3, serviceGeneration: 5, address, port: 53 }) as Partial<StaleSocket> as StaleSocket;

const goneOf = (objects: readonly ClusterObject[], had: readonly DesiredPort[]): readonly string[] => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  const have = {
    ports: new Map([[ID, { service: 3, frontends: [] }]]),
    tables: { serviceGeneration: () => 5 } as Partial<Have['tables']> as Have['tables'],
  };
  const arms: ArmsSoFar = new Map();
  for (const port of had) noteArms(arms, port);
  return goneSockets(cluster, have, arms, [socketTo(OURS), socketTo(THEIRS)]).map(({ address }) => address);
};

test.each<{ title: string; objects: readonly ClusterObject[]; had: readonly DesiredPort[]; gone: readonly string[] }>([
  { title: 'serves there', objects: other(endpoint(THEIRS)), had: [SHARES], gone: [] },
  {
    title: 'serves there until it has shut down',
    objects: other(endpoint(THEIRS, SERVES_WHILE_TERMINATING)),
    had: [SHARES],
    gone: [],
  },
  {
    title: 'serves there, though no connection is shared any more',
    objects: other(endpoint(THEIRS)),
    had: [SHARES, { ...SHARES, groups: [] }],
    gone: [],
  },
  { title: 'has left', objects: other(), had: [SHARES], gone: [THEIRS] },
  { title: 'has shut down', objects: other(endpoint(THEIRS, GONE_SILENT)), had: [SHARES], gone: [THEIRS] },
  { title: 'went with its Service', objects: [], had: [SHARES], gone: [THEIRS] },
  { title: 'is of a Service that never had a share', objects: other(endpoint(THEIRS)), had: [], gone: [THEIRS] },
])('a socket whose endpoint of another Service $title', ({ objects, had, gone }) => {
  expect(goneOf([...OWN, ...objects], had)).toEqual(gone);
});

test('shares of a TCP port are not remembered', () => {
  const arms: ArmsSoFar = new Map();
  noteArms(arms, { ...SHARES, protocol: 'TCP' });
  expect(arms.size).toBe(0);
});
