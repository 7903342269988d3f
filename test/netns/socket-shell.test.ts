import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type Server, type SocketShell } from '../helpers/socket-shell.ts';

const HERE = '127.0.0.1';

describe('the socket shell', () => {
  let node: EmbeddedNode;
  let shell: SocketShell;
  let server: Server;

  beforeAll(async () => {
    node = await createNode();
    shell = await openShell(await node.addPod('pod'));
    server = await shell.serve('tcp', '*', 7000, 'echo');
    await shell.serve('udp', '*', 7000, 'echo');
    await shell.serve('tcp', '*', 7001, 'reset', 'reset');
    await shell.serve('tcp', '*', 7002, 'close', 'close');
    await shell.serve('tcp', HERE, 7003, 'full', 'full');
  });

  afterAll(() => node?.close());

  test.each([
    { port: 7000, answer: 'echo' },
    { port: 7001, answer: 'read ECONNRESET' },
    { port: 7002, answer: 'read EOF' },
    { port: 7003, answer: 'TIMEOUT' },
    { port: 7004, answer: 'ECONNREFUSED' },
  ])('is answered by the server at port $port with $answer', async ({ port, answer }) => {
    expect(await shell.whoAnswers('tcp', HERE, port, 300)).toBe(answer);
  });

  test.each(['tcp4', 'mptcp4'] as const)('drives a whole %s connection', async (kind) => {
    const fd = await shell.socket(kind);
    expect(await shell.connect(fd, HERE, 7000)).toEqual({ ok: true });
    expect(await shell.connect(fd, HERE, 7000)).toEqual({ error: 'EISCONN' });
    expect(await shell.getpeername(fd)).toEqual({ address: HERE, port: 7000 });
    expect(await shell.recv(fd)).toEqual({ text: 'echo\n' });
    const text = 'a "b"\n\\ %41 \u00e9';
    expect(await shell.send(fd, text)).toEqual({ ok: true });
    const { text: echoed } = (await shell.recv(fd)) as { text: string };
    expect(Buffer.from(echoed, 'latin1').toString()).toBe(text);
    expect(await shell.exchange(fd, 1_000_000)).toEqual({ sent: 1_000_000, received: 1_000_000 });
    expect(await shell.recv(fd, 50)).toEqual({ error: 'TIMEOUT' });
    expect(await shell.shutdown(fd, 'write')).toEqual({ ok: true });
    expect(await shell.recv(fd)).toEqual({ text: '' });
    expect(await shell.closeSocket(fd)).toEqual({ ok: true });
    expect(await shell.getpeername(fd)).toEqual({ error: 'EBADF' });
  });

  test('drives a connection that does not block', async () => {
    const fd = await shell.socket('tcp6', { nonblock: true });
    expect(await shell.connect(fd, `::ffff:${HERE}`, 7004)).toEqual({ error: 'EINPROGRESS' });
    expect(await shell.poll(fd, 'out')).toEqual(['out', 'err', 'hup']);
    expect(await shell.getsockopt(fd, 'so_error')).toEqual({ error: 'ECONNREFUSED' });
    expect(await shell.getsockopt(fd, 'so_error')).toEqual({ value: 0 });
    await shell.closeSocket(fd);
    const silent = await shell.socket('tcp4', { nonblock: true });
    expect(await shell.connect(silent, HERE, 7003)).toEqual({ error: 'EINPROGRESS' });
    expect(await shell.poll(silent, 'out', 50)).toEqual([]);
    expect(await shell.reset(silent)).toEqual({ ok: true });
  });

  test('dissolves the association of a datagram socket', async () => {
    const fd = await shell.socket('udp4');
    expect(await shell.connect(fd, HERE, 7000)).toEqual({ ok: true });
    expect(await shell.send(fd, 'x')).toEqual({ ok: true });
    expect(await shell.recv(fd)).toEqual({ text: 'echo x' });
    expect(await shell.connectUnspec(fd)).toEqual({ ok: true });
    expect(await shell.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
    expect(await shell.send(fd, 'x')).toEqual({ error: 'EDESTADDRREQ' });
    expect(await shell.sendmsg(fd, 'y', { address: HERE, port: 7000 })).toEqual({ ok: true });
    expect(await shell.recvmsg(fd)).toEqual({ text: 'echo y', address: HERE, port: 7000 });
    expect(await shell.sendto(fd, HERE, 7000, '')).toEqual({ ok: true });
    expect(await shell.recvfrom(fd)).toEqual({ text: 'echo ', address: HERE, port: 7000 });
    await shell.closeSocket(fd);
  });

  test('listens and accepts', async () => {
    const listener = await shell.socket('tcp6');
    expect(await shell.bind(listener, '::1', 7010)).toEqual({ ok: true });
    expect(await shell.listen(listener)).toEqual({ ok: true });
    expect(await shell.accept(listener, 50)).toEqual({ error: 'TIMEOUT' });
    const fd = await shell.socket('tcp6');
    expect(await shell.connect(fd, '::1', 7010)).toEqual({ ok: true });
    const accepted = await shell.accept(listener);
    expect(accepted).toEqual({ fd: expect.any(Number), ...(await shell.getsockname(fd)) });
    for (const open of [listener, fd]) await shell.closeSocket(open);
  });

  test('holds a connection open in a copy and in a child', async () => {
    const before = (await server.served()).active;
    const fd = await shell.socket('tcp4');
    await shell.connect(fd, HERE, 7000);
    // A connection is there before the server has accepted it.
    await retryUntil(async () => (await server.served()).active === before + 1);
    const copy = await shell.dup(fd);
    const child = await shell.forkHold();
    await shell.closeSocket(fd);
    await shell.closeSocket(copy);
    await sleep(50);
    expect((await server.served()).active).toBe(before + 1);
    process.kill(child, 'SIGKILL');
    await retryUntil(async () => (await server.served()).active === before);
  });

  test.each(['tcp', 'udp', 'udp-unconnected'] as const)(
    'hammers by %s with and without keeping sockets',
    async (kind) => {
      for (const options of [{}, { keep: true }, { threads: 3, reset: true }]) {
        const { total, by, errors } = await shell.hammer(kind, '::1', 7000, { count: 300, ...options });
        expect({ total, by, errors }).toEqual({ total: 300, by: { echo: 300 }, errors: {} });
      }
    },
  );

  test('hammers in the background until it is stopped, while other calls go on', async () => {
    const hammer = shell.startHammer('tcp', HERE, 7000, { pauseMicros: 1000 });
    const before = (await server.served()).accepted;
    await retryUntil(async () => (await server.served()).accepted > before + 3);
    const { total, by } = await hammer.stop();
    expect(total).toBeGreaterThan(3);
    expect(by).toEqual({ echo: total });
    expect((await shell.hammer('tcp', HERE, 7000, { ms: 50, pauseMicros: 1000 })).elapsedMs).toBeLessThan(3000);
  });

  test('notices a kept connection that breaks', async () => {
    const doomed = await shell.serve('tcp', HERE, 7020, 'doomed');
    const hammer = shell.hammer('tcp', HERE, 7020, { ms: 500, keep: true, pauseMicros: 1000 });
    await retryUntil(async () => (await doomed.served()).bytes > 0);
    await doomed.stop();
    const { by, errors } = await hammer;
    expect(Object.keys(by)).toEqual(['doomed']);
    expect(Object.keys(errors)).toContain('ECONNREFUSED');
    expect(Object.keys(errors).some((name) => /^(read|send) /.test(name))).toBe(true);
  });

  test('says what is wrong with a command, and goes on', async () => {
    await expect(shell.connect(3, 'nowhere', 80)).rejects.toThrow('not an address');
    await expect(shell.hammer('tcp', HERE, 7000, { threads: 1000, count: 1 })).rejects.toThrow('threads');
    await expect(shell.serve('tcp', HERE, 7000, 'again')).rejects.toThrow('EADDRINUSE');
    expect(await shell.whoAnswers('udp', HERE, 7000)).toBe('echo');
  });

  test('takes its connections and its waiting calls with it when it is killed', async () => {
    const other = await openShell(node.pods.get('pod') ?? node);
    const before = (await server.served()).active;
    const fd = await other.socket('tcp4');
    await other.connect(fd, HERE, 7000);
    await retryUntil(async () => (await server.served()).active === before + 1);
    const waiting = other.poll(fd, 'out', 5000).then(() => other.recvfrom(fd).then(() => other.recv(fd, 5000)));
    const refused = expect(waiting).rejects.toThrow('has ended');
    await retryUntil(async () => (await server.served()).active === before + 1);
    await other.kill();
    await refused;
    await expect(other.socket('tcp4')).rejects.toThrow('has ended');
    await retryUntil(async () => (await server.served()).active === before);
  });
});
