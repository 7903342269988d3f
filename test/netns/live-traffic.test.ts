import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allEnded, expectEqualTotals, serviceStats } from '../helpers/counted.ts';
import { service } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';
import { inForm, TCP_WAYS } from '../helpers/ways.ts';

/** What connections carry is counted while they go on, and at their end not once more. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const TCP = 'shop/web/tcp/TCP';
const UDP = 'shop/web/udp/UDP';
const GREETING = 'v1\n'.length;

let stage: Stage<'client' | 'v1'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'live-traffic',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => serviceWith('web', WEB, [v1]),
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

afterEach(async () => {
  await expectEqualTotals(stage.agent);
  expect(stage.agent.failures).toEqual([]);
});

const walk = () => stage.agent.dataplane.countLive?.();
const bytes = () => {
  const { bytesSent, bytesReceived } = serviceStats(stage.agent, TCP);
  return { sent: bytesSent, received: bytesReceived };
};
/** Since `before`. */
const grown = (before: ReturnType<typeof bytes>) => {
  const { sent, received } = bytes();
  return { sent: sent - before.sent, received: received - before.received };
};

const connect = async (from: SocketShell, kind: Parameters<SocketShell['socket']>[0] = 'tcp4', address = WEB[0]) => {
  const fd = await from.socket(kind);
  await from.connect(fd, address as string, 80);
  expect(await from.recv(fd)).toEqual({ text: 'v1\n' });
  return fd;
};

describe.each(TCP_WAYS)('a connection that goes on, $way,', ({ kind, form }) => {
  test.each([1, 1448, 1_000_003])(
    'has its bytes counted as it goes, but for the last one each way: %i',
    async (size) => {
      const before = bytes();
      const fd = await connect(client, kind, inForm(WEB, form) as (typeof WEB)[0]);
      await client.exchange(fd, size);
      await walk();
      expect(grown(before)).toEqual({ sent: size - 1, received: size + GREETING - 1 });
      await walk();
      expect(grown(before)).toEqual({ sent: size - 1, received: size + GREETING - 1 });
      await client.exchange(fd, size);
      await walk();
      expect(grown(before)).toEqual({ sent: 2 * size - 1, received: 2 * size + GREETING - 1 });
      await client.closeSocket(fd);
      await retryUntil(() => allEnded(stage.agent));
      expect(grown(before)).toEqual({ sent: 2 * size, received: 2 * size + GREETING });
    },
  );
});

test('descriptors of one socket in two processes count once', async () => {
  const before = bytes();
  const fd = await connect(client);
  const copy = await client.dup(fd);
  await client.exchange(fd, 5000);
  await walk();
  expect(grown(before).sent).toBe(4999);
  await client.closeSocket(fd);
  await client.exchange(copy, 5000);
  await walk();
  expect(grown(before).sent).toBe(9999);
  await client.closeSocket(copy);
  await retryUntil(() => allEnded(stage.agent));
  expect(grown(before)).toEqual({ sent: 10_000, received: 10_000 + GREETING });
});

test('a process that is killed leaves no byte uncounted', async () => {
  const shell = await openShell(stage.actors.client.pod);
  const before = bytes();
  const fd = await connect(shell);
  await shell.exchange(fd, 70_000);
  await walk();
  await shell.kill();
  await retryUntil(() => allEnded(stage.agent));
  expect(grown(before)).toEqual({ sent: 70_000, received: 70_000 + GREETING });
});

test('a growth of the tables neither loses bytes nor counts them twice', async () => {
  const before = bytes();
  const fd = await connect(client);
  await client.exchange(fd, 5000);
  await walk();
  const growing = Array.from({ length: 100 }, (_, n) =>
    service({ name: `more-${n}`, clusterIPs: [`10.97.0.${n + 1}`] }),
  );
  const size = stage.agent.dataplane.tables.capacity.services;
  const put = stage.agent.put(...growing);
  await Promise.all([put, walk(), client.exchange(fd, 5000)]);
  expect(stage.agent.dataplane.tables.capacity.services).toBeGreaterThan(size);
  await client.exchange(fd, 5000);
  await walk();
  expect(grown(before).sent).toBe(14_999);
  await client.closeSocket(fd);
  await retryUntil(() => allEnded(stage.agent));
  expect(grown(before)).toEqual({ sent: 15_000, received: 15_000 + GREETING });
});

test('walks that meet the ends of connections count nothing twice and lose nothing', async () => {
  const before = bytes();
  let isOver = false;
  let walks = 0;
  const walking = (async () => {
    for (; !isOver; walks++) await walk();
  })();
  const shells = await Promise.all(Array.from({ length: 4 }, () => openShell(stage.actors.client.pod)));
  const rounds = 150;
  await Promise.all(
    shells.map(async (shell) => {
      for (let round = 0; round < rounds; round++) {
        const fd = await connect(shell);
        await shell.exchange(fd, 1000);
        await shell.closeSocket(fd);
      }
    }),
  );
  isOver = true;
  await walking;
  await Promise.all(shells.map((shell) => shell.close()));
  await retryUntil(() => allEnded(stage.agent));
  const total = shells.length * rounds;
  expect(walks).toBeGreaterThan(20);
  expect(grown(before)).toEqual({ sent: total * 1000, received: total * (1000 + GREETING) });
});

test('round-trip times are sampled once for each walk that counts bytes, and at the end', async () => {
  const before = serviceStats(stage.agent, TCP);
  const fd = await connect(client);
  const copies = await Promise.all(Array.from({ length: 5 }, () => client.dup(fd)));
  await walk();
  await walk();
  await client.exchange(fd, 1000);
  await walk();
  for (const each of [fd, ...copies]) await client.closeSocket(each);
  await retryUntil(() => allEnded(stage.agent));
  const { rttSamples, rttMicros, retransmits } = serviceStats(stage.agent, TCP);
  // The agent walks by itself as well, perhaps in the midst of an exchange.
  expect(rttSamples - before.rttSamples).toBeOneOf([3, 4]);
  expect((rttMicros - before.rttMicros) / 3).toBeLessThan(50_000);
  expect(retransmits).toBe(before.retransmits);
});

test('a socket that connects again counts from the beginning', async () => {
  const before = bytes();
  const fd = await client.socket('tcp4');
  for (let time = 0; time < 2; time++) {
    await client.connect(fd, WEB[0], 80);
    expect(await client.recv(fd)).toEqual({ text: 'v1\n' });
    await client.exchange(fd, 5000);
    await walk();
    await client.connectUnspec(fd);
  }
  await client.closeSocket(fd);
  await retryUntil(() => allEnded(stage.agent));
  expect(grown(before)).toEqual({ sent: 10_000, received: 2 * (5000 + GREETING) });
});

test.each([
  ['udp4', WEB[0]],
  ['udp6', WEB[1]],
] as const)('answers of %s that a client has read are counted', async (kind, address) => {
  const before = serviceStats(stage.agent, UDP);
  const fd = await client.socket(kind);
  for (let n = 0; n < 3; n++) {
    await client.sendto(fd, address, 80, `question ${n}`);
    await client.recvfrom(fd);
  }
  await client.closeSocket(fd);
  const after = serviceStats(stage.agent, UDP);
  expect({
    sent: after.datagrams - before.datagrams,
    received: after.datagramsReceived - before.datagramsReceived,
  }).toEqual({ sent: 3, received: 3 });
});
