import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterObject, EndpointObject } from '../../src/core/model/objects.ts';
import { endpoint, GONE_SILENT, NOT_READY, policy, SERVES_WHILE_TERMINATING, service } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { SOCKET_ENDINGS } from '../helpers/socket-endings.ts';
import type { SocketKind, SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { type Form, inForm, serverOf, TCP_WAYS, UDP_WAYS } from '../helpers/ways.ts';

/** When an endpoint goes, sockets that have nothing to do with it notice nothing, and neither do those it still serves. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const OTHER = ['10.96.0.2', 'fd00:10:96::2'] as const;
const VICTIM = ['10.96.0.3', 'fd00:10:96::3'] as const;

describe.each(SOCKET_ENDINGS)('by %s,', (socketEnding) => {
  let stage: Stage<'client' | 'v1' | 'v2'>;
  let client: SocketShell;
  let victim: number;

  beforeAll(async () => {
    stage = await openStage({
      name: 'kept',
      clients: ['client'],
      servers: ['v1', 'v2'],
      objects: ({ v1 }) => [
        ...serviceWith('web', WEB, [v1]),
        ...serviceWith('other', OTHER, [v1]),
        ...serviceWith('victim', VICTIM, [v1]),
      ],
      agent: { socketEnding },
    });
    client = stage.actors.client.shell;
  });

  afterAll(() => stage?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    const { v1 } = stage.actors;
    await stage.agent.put(service({ name: 'web', clusterIPs: WEB, ports: PORTS }), ...slicesOf('web', [v1]));
    await stage.agent.put(...slicesOf('victim', [v1]));
    victim = await connected('udp4', VICTIM[0]);
  });

  const connected = async (kind: SocketKind, address: string, port = 80): Promise<number> => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, port)).toEqual({ ok: true });
    return fd;
  };

  /** Makes a change and removes an endpoint of another Service with it. When that one's socket is woken, all are done. */
  const change = async (...objects: readonly ClusterObject[]): Promise<void> => {
    await stage.agent.put(...objects, ...slicesOf('victim', []));
    expect(await client.recv(victim, 10_000)).toEqual({ error: 'ECONNABORTED' });
    await stage.agent.put(...slicesOf('victim', [stage.actors.v1]));
    expect(await client.connect(victim, VICTIM[0], 80)).toEqual({ ok: true });
  };

  /** Of `web`: v1 as told, v2 always ready. */
  const slicesWith = (fields: Partial<EndpointObject>): readonly ClusterObject[] => {
    const { v1, v2 } = stage.actors;
    return slicesOf('web', [v1, v2]).map((slice) => ({
      ...slice,
      endpoints: slice.endpoints.map((each) =>
        [v1.pod.address4, v1.pod.address6].includes(each.address)
          ? endpoint(each.address, { pod: 'v1', ...fields })
          : each,
      ),
    }));
  };

  const answers = async (fd: number, kind: SocketKind, name: string): Promise<void> =>
    expect(await serverOf(client, fd, kind)).toBe(name);

  describe.each(UDP_WAYS)('when an endpoint goes, a $kind socket ($form)', ({ kind, form }) => {
    const direct = (): string => inForm([stage.actors.v1.pod.address4, stage.actors.v1.pod.address6], form);

    const rows: readonly {
      readonly title: string;
      readonly open: (form: Form) => Promise<number>;
      readonly after: (fd: number) => Promise<void>;
    }[] = [
      {
        title: 'that goes to the same place through another Service',
        open: () => connected(kind, inForm(OTHER, form)),
        after: (fd) => answers(fd, kind, 'v1'),
      },
      {
        title: 'that is connected to it directly',
        open: () => connected(kind, direct(), SERVER_PORT),
        after: (fd) => answers(fd, kind, 'v1'),
      },
      {
        title: 'that turned to it directly after it had gone through the Service',
        open: async () => {
          const fd = await connected(kind, inForm(WEB, form));
          expect(await client.connect(fd, direct(), SERVER_PORT)).toEqual({ ok: true });
          return fd;
        },
        after: (fd) => answers(fd, kind, 'v1'),
      },
      {
        title: 'that dissolved its connection',
        open: async () => {
          const fd = await client.socket(kind);
          // With a port of its own it stays where a walk finds it.
          expect(await client.bind(fd, kind === 'udp4' ? '0.0.0.0' : '::', 5300)).toEqual({ ok: true });
          expect(await client.connect(fd, inForm(WEB, form), 80)).toEqual({ ok: true });
          expect(await client.connectUnspec(fd)).toEqual({ ok: true });
          return fd;
        },
        after: async (fd) => {
          // It is looked for three times, a second apart.
          await sleep(2500);
          expect(await client.getsockopt(fd, 'so_error')).toEqual({ value: 0 });
          expect(await client.sendto(fd, direct(), SERVER_PORT, 'x')).toEqual({ ok: true });
          expect(await client.recv(fd)).toEqual({ text: 'v1 x' });
        },
      },
      {
        title: 'that is not connected, which moves on with its next datagram',
        open: async () => {
          const fd = await client.socket(kind);
          expect(await client.sendto(fd, inForm(WEB, form), 80, 'x')).toEqual({ ok: true });
          expect(await client.recv(fd)).toEqual({ text: 'v1 x' });
          return fd;
        },
        after: async (fd) => {
          expect(await client.getsockopt(fd, 'so_error')).toEqual({ value: 0 });
          expect(await client.sendto(fd, inForm(WEB, form), 80, 'y')).toEqual({ ok: true });
          expect(await client.recvfrom(fd)).toEqual({ text: 'v2 y', address: inForm(WEB, form), port: 80 });
        },
      },
    ];

    test.each(rows)('$title notices nothing', async ({ open, after }) => {
      const fd = await open(form);
      await change(...slicesOf('web', [stage.actors.v2]));
      await after(fd);
      await client.closeSocket(fd);
    });

    test('that goes to another endpoint of the Service notices nothing', async () => {
      const { v1, v2 } = stage.actors;
      await stage.agent.put(...slicesOf('web', [v2]));
      const fd = await connected(kind, inForm(WEB, form));
      await stage.agent.put(...slicesOf('web', [v1, v2]));
      await change(...slicesOf('web', [v2]));
      await answers(fd, kind, 'v2');
      await client.closeSocket(fd);
    });
  });

  test.each(TCP_WAYS)('when its endpoint goes, $way lives until it ends by itself', async ({ kind, form }) => {
    const fd = await connected(kind, inForm(WEB, form));
    await answers(fd, kind, 'v1');
    await change(...slicesOf('web', [stage.actors.v2]));
    expect(await client.exchange(fd, 100_000)).toEqual({ sent: 100_000, received: 100_000 });
    await client.closeSocket(fd);
  });

  describe('an endpoint that gets no new connections keeps its sockets until it is gone:', () => {
    const DRAINED = policy([{ pod: 'v1', weight: 0 }]);
    const LOCAL = service({ name: 'web', clusterIPs: WEB, ports: PORTS, internalTrafficPolicy: 'Local' });

    test.each<{ title: string; objects: () => readonly ClusterObject[] }>([
      { title: 'drained by a policy', objects: () => [...slicesWith({}), DRAINED] },
      { title: 'shutting down while it serves', objects: () => slicesWith(SERVES_WHILE_TERMINATING) },
      { title: 'not ready but serving', objects: () => slicesWith({ ready: false }) },
      {
        title: 'on another node, of a Service that becomes local',
        objects: () => [...slicesWith({ node: 'node-b' }), LOCAL],
      },
    ])('$title', async ({ objects }) => {
      const sockets = await Promise.all(
        UDP_WAYS.map(async ({ kind, form }) => ({ kind, fd: await connected(kind, inForm(WEB, form)) })),
      );
      for (const { kind, fd } of sockets) await answers(fd, kind, 'v1');
      await change(...objects());
      for (const { kind, fd } of sockets) await answers(fd, kind, 'v1');
      // Again, by a change that has nothing to do with it.
      await change();
      for (const { kind, fd } of sockets) await answers(fd, kind, 'v1');
      await stage.agent.put(...slicesOf('web', [stage.actors.v2]));
      for (const { fd } of sockets) expect(await client.recv(fd, 10_000)).toEqual({ error: 'ECONNABORTED' });
      for (const { fd } of sockets) await client.closeSocket(fd);
      await stage.agent.remove(DRAINED);
    });
  });

  test('an endpoint whose readiness comes and goes while it serves keeps its sockets', async () => {
    const fd = await connected('udp4', WEB[0]);
    await answers(fd, 'udp4', 'v1');
    for (const fields of [SERVES_WHILE_TERMINATING, {}, { ready: false }, {}, SERVES_WHILE_TERMINATING, {}]) {
      await change(...slicesWith(fields));
      await answers(fd, 'udp4', 'v1');
    }
    await client.closeSocket(fd);
  });

  test.each([
    { title: 'that is not ready and does not serve', fields: NOT_READY },
    { title: 'that shuts down and does not serve any more', fields: GONE_SILENT },
  ])('an endpoint $title is gone', async ({ fields }) => {
    const fd = await connected('udp4', WEB[0]);
    await answers(fd, 'udp4', 'v1');
    const before = stage.agent.socketsEnded;
    await stage.agent.put(...slicesWith(fields));
    expect(await client.recv(fd, 10_000)).toEqual({ error: 'ECONNABORTED' });
    await retryUntil(() => stage.agent.socketsEnded === before + 1);
    await client.closeSocket(fd);
  });
});
