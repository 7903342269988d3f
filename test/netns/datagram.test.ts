import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendStats, counted, countersOf, serviceStats } from '../helpers/counted.ts';
import type { Outcome, ReceivedFrom, SocketShell } from '../helpers/socket-shell.ts';
import { openStage, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, UDP_WAYS } from '../helpers/ways.ts';

/** A socket that is not connected: each datagram is sent to a Service by itself, and its answer comes from there. */

const A = ['10.96.0.1', 'fd00:10:96::1'] as const;
const B = ['10.96.0.2', 'fd00:10:96::2'] as const;
const SHARED = [
  ['10.96.0.3', 'fd00:10:96::3'],
  ['10.96.0.4', 'fd00:10:96::4'],
] as const;
const WEB = ['10.96.0.5', 'fd00:10:96::5'] as const;
const SCALED = ['10.96.0.6', 'fd00:10:96::6'] as const;

/** `a` is v1, `b` is v2; `shared-0` and `shared-1` are both v3; `web` is all of them. */
let stage: Stage<'client' | 'v1' | 'v2' | 'v3'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'datagram',
    clients: ['client'],
    servers: ['v1', 'v2', 'v3'],
    objects: ({ v1, v2, v3 }) => [
      ...serviceWith('a', A, [v1]),
      ...serviceWith('b', B, [v2]),
      ...SHARED.flatMap((addresses, index) => serviceWith(`shared-${index}`, addresses, [v3])),
      ...serviceWith('web', WEB, [v1, v2, v3]),
      ...serviceWith('scaled', SCALED, [v1]),
    ],
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

/** Of a server in the client’s own pod. */
const OWN_PORT = 9090;

const SENDING = ['sendto', 'sendmsg'] as const;
const RECEIVING = ['recvfrom', 'recvmsg'] as const;
const rows = UDP_WAYS.flatMap(({ kind, form }) =>
  SENDING.flatMap((send) => RECEIVING.map((receive) => ({ kind, form, send, receive }))),
);

describe.each(rows)('an unconnected $kind socket, by $send to $form and $receive,', ({ kind, form, send, receive }) => {
  test('hears each Service from the address that it asked', async () => {
    const fd = await client.socket(kind);
    const [a, b] = [inForm(A, form), inForm(B, form)];
    for (const text of ['1', '2', '3']) {
      await sendTo(fd, a, 80, `a${text}`);
      await sendTo(fd, b, 80, `b${text}`);
      const answers = [await client[receive](fd), await client[receive](fd)];
      expect(answers.sort(byText)).toEqual([
        { text: `v1 a${text}`, address: a, port: 80 },
        { text: `v2 b${text}`, address: b, port: 80 },
      ]);
    }
    await client.closeSocket(fd);
  });

  test('hears a backend that it asked directly from the address of the backend', async () => {
    const fd = await client.socket(kind);
    const { address4, address6 } = stage.actors.v1.pod;
    const [service, direct] = [inForm(A, form), inForm([address4, address6], form)];
    for (const [address, port] of [
      [service, 80],
      [direct, SERVER_PORT],
      [service, 80],
    ] as const) {
      await sendTo(fd, address, port, 'x');
      expect(await client[receive](fd)).toEqual({ text: 'v1 x', address, port });
    }
    await client.closeSocket(fd);
  });

  // The answers of one backend are alike; which Service was asked is known only as long as it was the last one.
  test('that asks two Services with the same backend hears it from the one it asked last', async () => {
    const fd = await client.socket(kind);
    const [first, second] = SHARED.map((addresses) => inForm(addresses, form)) as [string, string];
    for (const address of [first, second, first]) {
      await sendTo(fd, address, 80, 'x');
      expect(await client[receive](fd)).toEqual({ text: 'v3 x', address, port: 80 });
    }
    await sendTo(fd, first, 80, '1');
    await sendTo(fd, second, 80, '2');
    expect(await client[receive](fd)).toMatchObject({ text: 'v3 1', address: second });
    expect(await client[receive](fd)).toMatchObject({ text: 'v3 2', address: second });
    await client.closeSocket(fd);
  });

  const sendTo = async (fd: number, address: string, port: number, text: string): Promise<void> => {
    const sent =
      send === 'sendto'
        ? await client.sendto(fd, address, port, text)
        : await client.sendmsg(fd, text, { address, port });
    expect(sent).toEqual({ ok: true });
  };
});

describe.each(UDP_WAYS)('consecutive datagrams of one $kind socket to one Service ($form)', ({ kind, form }) => {
  test('keep to one backend, and other sockets may have others', async () => {
    const names: (string | undefined)[] = [];
    for (let socket = 0; socket < 24; socket += 1) {
      const fd = await client.socket(kind);
      const answers = [];
      for (let turn = 0; turn < 8; turn += 1) answers.push(await ask(fd, inForm(WEB, form)));
      expect(new Set(answers).size).toBe(1);
      names.push(answers[0]);
      await client.closeSocket(fd);
    }
    expect(new Set(names)).toEqual(new Set(['v1', 'v2', 'v3']));
  });

  test('stay there when other endpoints come and go, and move on when it goes itself', async () => {
    const { v1, v2, v3 } = stage.actors;
    const servers = { v1, v2, v3 };
    const fd = await client.socket(kind);
    const mine = (await ask(fd, inForm(WEB, form))) as keyof typeof servers;
    const others = Object.values(servers).filter((each) => each !== servers[mine]);
    for (const set of [[servers[mine]], [servers[mine], others[0]!], [...others, servers[mine]]]) {
      await stage.agent.put(...slicesOf('web', set));
      expect(await ask(fd, inForm(WEB, form))).toBe(mine);
    }
    await stage.agent.put(...slicesOf('web', others));
    const next = await ask(fd, inForm(WEB, form));
    expect(next).not.toBe(mine);
    expect(await ask(fd, inForm(WEB, form))).toBe(next);
    await stage.agent.put(...slicesOf('web', [v1, v2, v3]));
    expect(await ask(fd, inForm(WEB, form))).toBe(next);
    await client.closeSocket(fd);
  });

  test('are refused while there is no endpoint, and arrive again when there is: 1 -> 0 -> 1', async () => {
    const { v1, v2 } = stage.actors;
    const address = inForm(SCALED, form);
    const fd = await client.socket(kind);
    for (const server of [v1, v2, v1]) {
      await stage.agent.put(...slicesOf('scaled', [server]));
      expect(await ask(fd, address)).toBe(server.pod.name);
      await stage.agent.put(...slicesOf('scaled', []));
      expect(await client.sendto(fd, address, 80, 'x')).toEqual({ error: 'ECONNREFUSED' });
    }
    await client.closeSocket(fd);
  });

  test('follow a Service that is deleted and made again', async () => {
    const { v1, v2 } = stage.actors;
    const addresses = ['10.96.0.7', 'fd00:10:96::7'] as const;
    const address = inForm(addresses, form);
    const fd = await client.socket(kind);
    for (const server of [v1, v2]) {
      const objects = serviceWith('remade', addresses, [server]);
      await stage.agent.put(...objects);
      expect(await ask(fd, address)).toBe(server.pod.name);
      await stage.agent.remove(...objects);
      expect(await client.sendto(fd, address, 80, 'x')).toEqual({ error: 'EHOSTUNREACH' });
    }
    await client.closeSocket(fd);
  });
});

describe.each(UDP_WAYS)('a connected $kind socket ($form) that sends with an address', ({ kind, form }) => {
  test.each(SENDING)(
    'has every %s to its own Service answered, by the backend that it is connected to',
    async (send) => {
      const address = inForm(WEB, form);
      const names = new Set<string>();
      for (let socket = 0; socket < 50; socket += 1) {
        const fd = await connected(address);
        await client.send(fd, 'x');
        const first = await client.recvfrom(fd);
        expect(await sendBy(send, fd, address, 'x')).toEqual({ ok: true });
        expect(await client.recvfrom(fd)).toEqual(first);
        expect(first).toMatchObject({ text: expect.stringMatching(/^v[123] x$/), address, port: 80 });
        names.add((first as { readonly text: string }).text);
        await client.closeSocket(fd);
      }
      // One of three would stay away by chance once in 10^8 runs.
      expect(names.size).toBe(3);
    },
  );

  // As everywhere: a connected socket hears its peer alone.
  test.each(SENDING)('reaches another Service by %s, whose answer is not heard, and stays connected', async (send) => {
    const fd = await connected(inForm(A, form));
    const before = serviceStats(stage.agent, 'shop/b/udp/UDP').datagrams;
    expect(await sendBy(send, fd, inForm(B, form), 'elsewhere')).toEqual({ ok: true });
    expect(serviceStats(stage.agent, 'shop/b/udp/UDP').datagrams).toBe(before + 1);
    expect(await client.recvfrom(fd, 50)).toEqual({ error: 'TIMEOUT' });
    expect(await sendBy(send, fd, inForm(A, form), 'back')).toEqual({ ok: true });
    expect(await client.recvfrom(fd)).toEqual({ text: 'v1 back', address: inForm(A, form), port: 80 });
    expect(await client.getpeername(fd)).toEqual({ address: inForm(A, form), port: 80 });
    await client.closeSocket(fd);
  });

  const connected = async (address: string): Promise<number> => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
    return fd;
  };

  const sendBy = (send: (typeof SENDING)[number], fd: number, address: string, text: string): Promise<Outcome> =>
    send === 'sendto' ? client.sendto(fd, address, 80, text) : client.sendmsg(fd, text, { address, port: 80 });
});

test.each(UDP_WAYS)('a $kind socket reaches its own pod through its own Service ($form)', async ({ kind, form }) => {
  const server = await client.serve('udp', '*', OWN_PORT, 'client');
  const itself = ['10.96.0.8', 'fd00:10:96::8'] as const;
  await stage.agent.put(...serviceWith('itself', itself, [stage.actors.client], { port: OWN_PORT }));
  const address = inForm(itself, form);
  const fd = await client.socket(kind);
  expect(await client.sendto(fd, address, 80, 'x')).toEqual({ ok: true });
  expect(await client.recvfrom(fd)).toEqual({ text: 'client x', address, port: 80 });
  await client.closeSocket(fd);
  await server.stop();
});

test('each datagram is counted, at its Service and at its backend, and is no connection', async () => {
  const { address4 } = stage.actors.v1.pod;
  const before = countersOf(backendStats(stage.agent, 'shop/a/udp/UDP', address4)).datagrams ?? 0;
  const counts = await counted(stage.agent, 'shop/a/udp/UDP', async () => {
    const { by } = await client.hammer('udp-unconnected', A[0], 80, { count: 50, threads: 2 });
    expect(by).toEqual({ v1: 50 });
  });
  expect(counts).toEqual({ datagrams: 50, datagramsReceived: 50 });
  expect(countersOf(backendStats(stage.agent, 'shop/a/udp/UDP', address4)).datagrams).toBe(before + 50);
});

test('a server hears the client itself, and answers of others than asked are not renamed', async () => {
  const { v1, v2 } = stage.actors;
  const fd = await client.socket('udp4');
  await client.bind(fd, stage.actors.client.pod.address4, 5353);
  expect(await ask(fd, A[0])).toBe('v1');
  const other = await v2.shell.socket('udp4');
  expect(await v2.shell.sendto(other, stage.actors.client.pod.address4, 5353, 'unasked')).toEqual({ ok: true });
  expect(await client.recvfrom(fd)).toMatchObject({ text: 'unasked', address: v2.pod.address4 });

  // From the backend's own address, but from another port than the Service's.
  const neighbour = await v1.shell.socket('udp4');
  await v1.shell.bind(neighbour, v1.pod.address4, 9999);
  await v1.shell.sendto(neighbour, stage.actors.client.pod.address4, 5353, 'beside');
  expect(await client.recvfrom(fd)).toEqual({ text: 'beside', address: v1.pod.address4, port: 9999 });
  await client.closeSocket(fd);
  await v2.shell.closeSocket(other);
  await v1.shell.closeSocket(neighbour);
});

/** The name of the server that answers one datagram, from the address that was asked. */
const ask = async (fd: number, address: string): Promise<string> => {
  expect(await client.sendto(fd, address, 80, '?')).toEqual({ ok: true });
  const answer = await client.recvfrom(fd);
  expect(answer).toMatchObject({ address, port: 80 });
  return 'text' in answer ? (answer.text.split(' ')[0] as string) : answer.error;
};

const byText = (a: ReceivedFrom, b: ReceivedFrom): number =>
  'text' in a && 'text' in b ? (a.text < b.text ? -1 : 1) : 0;
