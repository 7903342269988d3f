import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { answersAt } from '../helpers/answers.ts';
import { dial } from '../helpers/dial.ts';
import { endpoint, GONE_SILENT, NOT_READY, node, policy, service, slice } from '../helpers/objects.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import {
  NODE_PORT,
  NODE_PORTS,
  openStage,
  PORTS,
  SERVER_PORT,
  type Stage,
  serviceWith,
  slicesOf,
} from '../helpers/stage.ts';
import { inForm, TCP_WAYS } from '../helpers/ways.ts';

/**
 * What `agnhost connect --timeout=3s` would print, which is what Kubernetes' own tests look at ("rejected when no
 * endpoints exist", "rejected for evicted pods"): REFUSED, and neither TIMEOUT nor OTHER.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NODE = ['192.0.2.10', 'fd00:2::10'] as const;
const OUTSIDE = ['203.0.113.1', 'fd00:8::1'] as const;
const NOBODY = ['10.96.0.99', 'fd00:10:96::99'] as const;
const AT_ONCE_MS = 1000;

let stage: Stage<'client' | 'v1'>;
let shells: Readonly<Record<'a pod' | 'the network of the node', SocketShell>>;

beforeAll(async () => {
  stage = await openStage({
    name: 'dial',
    clients: ['client'],
    servers: ['v1'],
    objects: () => [node({ addresses: NODE })],
  });
  shells = { 'a pod': stage.actors.client.shell, 'the network of the node': await openShell(stage.node) };
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const FIELDS = { type: 'LoadBalancer', loadBalancerIPs: OUTSIDE, clusterIPs: WEB, ports: NODE_PORTS } as const;
const web = (fields: Parameters<typeof service>[0] = {}) => service({ ...FIELDS, ...fields });
const slices = (fields: Parameters<typeof endpoint>[1]) =>
  ([4, 6] as const).map((family) =>
    slice([endpoint(family === 4 ? stage.actors.v1.pod.address4 : stage.actors.v1.pod.address6, fields)], {
      name: `web-${family}`,
      family,
      ports: PORTS.map((port) => ({ ...port, port: SERVER_PORT })),
    }),
  );

interface Refusal {
  readonly what: string;
  readonly objects: () => readonly ClusterObject[];
  readonly at?: readonly [string, string];
  readonly port?: number;
}

const refusals: readonly Refusal[] = [
  { what: 'a Service without endpoints', objects: () => [web(), ...slicesOf('web', [])] },
  { what: 'a Service without slices', objects: () => [web()] },
  {
    what: 'a Service whose only pod was evicted, and is listed as not ready',
    objects: () => [web(), ...slices(NOT_READY)],
  },
  { what: 'a Service whose only pod was evicted while it shut down', objects: () => [web(), ...slices(GONE_SILENT)] },
  {
    what: 'internalTrafficPolicy Local without an endpoint on the node',
    objects: () => [web({ internalTrafficPolicy: 'Local' }), ...slices({ node: 'node-b' })],
  },
  {
    what: 'a Service whose endpoints are all drained',
    objects: () => [web(), ...slices({}), policy([{ weight: 0 }])],
  },
  { what: 'a port that the Service does not have', objects: () => [web(), ...slices({})], port: 81 },
  { what: 'the node port at a cluster address', objects: () => [web(), ...slices({})], port: NODE_PORT },
  { what: 'a node port without endpoints', objects: () => [web()], at: NODE, port: NODE_PORT },
  { what: 'an address of a load balancer without endpoints', objects: () => [web()], at: OUTSIDE },
];

describe.each(['a pod', 'the network of the node'] as const)('a dial with 3 s to spare, from %s,', (from) => {
  beforeEach(() => stage.agent.remove(web(), ...slices({}), policy([])));

  describe.each(refusals)('to $what', ({ objects, at = WEB, port = 80 }) => {
    test.each(TCP_WAYS)('says REFUSED at once, by $way', async ({ kind, form }) => {
      await stage.agent.put(...objects());
      const startedAt = Date.now();
      expect(await dial(shells[from], kind, inForm(at, form), port)).toBe('REFUSED');
      expect(Date.now() - startedAt).toBeLessThan(AT_ONCE_MS);
      expect(await answersAt(stage, shells[from], inForm(at, form), { port, count: 3 })).toEqual(['ECONNREFUSED']);
    });
  });

  test.each(TCP_WAYS)('says what else there is to say, by $way', async ({ kind, form }) => {
    await stage.agent.put(...serviceWith('web', WEB, [stage.actors.v1]));
    expect(await dial(shells[from], kind, inForm(WEB, form), 80)).toBe('CONNECTED');
    expect(await dial(shells[from], kind, inForm(NOBODY, form), 80)).toBe('OTHER: EHOSTUNREACH');
    const full = await stage.actors.v1.shell.serve('tcp', '*', 9999, 'full', 'full');
    await stage.agent.put(...serviceWith('web', WEB, [stage.actors.v1], { port: 9999 }));
    expect(await dial(shells[from], kind, inForm(WEB, form), 80, 300)).toBe('TIMEOUT');
    await full.stop();
    expect(await dial(shells[from], kind, inForm(WEB, form), 80)).toBe('REFUSED');
  });
});
