import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EndpointObject, ServiceObject } from '../../src/core/model/objects.ts';
import { endpoint, NOT_READY, node, SERVES_WHILE_TERMINATING, service, slice } from '../helpers/objects.ts';
import { openShell, type SocketKind, type SocketShell } from '../helpers/socket-shell.ts';
import { NODE_PORT, NODE_PORTS, openStage, PORTS, SERVER_PORT, type Stage } from '../helpers/stage.ts';
import { type Form, inForm, UDP_WAYS } from '../helpers/ways.ts';

/**
 * What Kubernetes' own tests of connection tracking ask: a UDP client that keeps its source port gets through to the pod
 * that replaces its server. They give it a minute; here it is the first datagram after the change.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NODE = ['192.0.2.10', 'fd00:2::10'] as const;
const SOURCE_PORT = 12_345;
const REFUSED = 'ECONNREFUSED';

let stage: Stage<'client' | 'v1' | 'v2'>;
let shells: Readonly<Record<'a pod' | 'the network of the node', SocketShell>>;

beforeAll(async () => {
  stage = await openStage({
    name: 'replaced',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: () => [node({ addresses: NODE })],
  });
  shells = { 'a pod': stage.actors.client.shell, 'the network of the node': await openShell(stage.node) };
});

afterAll(() => stage?.[Symbol.asyncDispose]());

type Conditions = Partial<Record<'v1' | 'v2', Partial<EndpointObject>>>;

const endpoints = (given: Conditions) =>
  ([4, 6] as const).map((family) =>
    slice(
      (['v1', 'v2'] as const).flatMap((name) => {
        const { address4, address6 } = stage.actors[name].pod;
        return given[name] ? [endpoint(family === 4 ? address4 : address6, { node: 'node-a', ...given[name] })] : [];
      }),
      { name: `web-${family}`, family, ports: PORTS.map((port) => ({ ...port, port: SERVER_PORT })) },
    ),
  );

/** A server that is not ready at first, is ready, is replaced by another, which goes before the first comes back. */
const LIFE: readonly { readonly given: Conditions; readonly by: string }[] = [
  { given: {}, by: REFUSED },
  { given: { v1: NOT_READY }, by: REFUSED },
  { given: { v1: {} }, by: 'v1' },
  { given: { v1: SERVES_WHILE_TERMINATING }, by: 'v1' },
  { given: { v1: SERVES_WHILE_TERMINATING, v2: {} }, by: 'v2' },
  { given: { v2: {} }, by: 'v2' },
  { given: {}, by: REFUSED },
  { given: { v1: {} }, by: 'v1' },
];

interface Row {
  readonly what: string;
  readonly fields?: Partial<ServiceObject>;
  readonly from?: keyof typeof shells;
  readonly at?: readonly [string, string];
  readonly port?: number;
}

const rows: readonly Row[] = [
  { what: 'a cluster address' },
  { what: 'a cluster address, from the network of the node', from: 'the network of the node' },
  { what: 'a cluster address for this node alone', fields: { internalTrafficPolicy: 'Local' } },
  { what: 'a cluster address with session affinity', fields: { affinityTimeoutS: 10_800 } },
  { what: 'a node port', at: NODE, port: NODE_PORT },
  { what: 'a node port, from the network of the node', at: NODE, port: NODE_PORT, from: 'the network of the node' },
];

describe.each(rows)('a client of $what', ({ fields, from = 'a pod', at = WEB, port = 80 }) => {
  beforeEach(() => stage.agent.put(service({ type: 'NodePort', clusterIPs: WEB, ports: NODE_PORTS, ...fields })));

  const agrees = (address: string): boolean | undefined =>
    stage.agent.agent.explain({ address: address.replace(/^::ffff:/, ''), port, protocol: 'UDP' }).kernel?.agrees;

  test.each(UDP_WAYS)(
    'that connects a new $kind socket ($form) from one source port each time meets the server of the moment',
    async ({ kind, form }) => {
      const address = inForm(at, form);
      for (const { given, by } of LIFE) {
        await stage.agent.put(...endpoints(given));
        for (let time = 0; time < 3; time += 1) {
          const fd = await bound(shells[from], kind, form);
          expect(await askConnected(shells[from], fd, address, port)).toBe(by);
          await shells[from].closeSocket(fd);
        }
        expect(agrees(address)).toBe(true);
      }
    },
  );

  test.each(UDP_WAYS)(
    'that sends from one $kind socket ($form) all the time meets the server of the moment',
    async ({ kind, form }) => {
      const address = inForm(at, form);
      const fd = await bound(shells[from], kind, form);
      for (const { given, by } of LIFE) {
        await stage.agent.put(...endpoints(given));
        for (let time = 0; time < 3; time += 1)
          expect(await askUnconnected(shells[from], fd, address, port)).toEqual(
            by === REFUSED ? { error: REFUSED } : { text: `${by} x`, address, port },
          );
        expect(agrees(address)).toBe(true);
      }
      await shells[from].closeSocket(fd);
    },
  );
});

const bound = async (shell: SocketShell, kind: SocketKind, form: Form): Promise<number> => {
  const fd = await shell.socket(kind);
  expect(await shell.bind(fd, form === 'ipv4' ? '0.0.0.0' : '::', SOURCE_PORT)).toEqual({ ok: true });
  return fd;
};

const askConnected = async (shell: SocketShell, fd: number, address: string, port: number): Promise<string> => {
  const connected = await shell.connect(fd, address, port);
  if ('error' in connected) return connected.error;
  expect(await shell.getpeername(fd)).toEqual({ address, port });
  await shell.send(fd, 'x');
  const heard = await shell.recv(fd, 2000);
  return 'error' in heard ? heard.error : (heard.text.split(' ')[0] as string);
};

const askUnconnected = async (shell: SocketShell, fd: number, address: string, port: number) => {
  const sent = await shell.sendto(fd, address, port, 'x');
  return 'error' in sent ? sent : shell.recvfrom(fd, 2000);
};
