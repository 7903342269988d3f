import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allEnded } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, serverOf, TCP_WAYS, UDP_WAYS, WAYS } from '../helpers/ways.ts';

/** libceph, NFS clients and JVMs compare the name of their peer with the address that they asked for. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;

let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'getpeername',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: ({ v1 }) => serviceWith('web', WEB, [v1]),
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

describe.each(WAYS)('the peer of a socket ($way)', ({ kind, form }) => {
  const service = { address: inForm(WEB, form), port: 80 };
  const endpointOf = (name: 'v1' | 'v2') => {
    const { address4, address6 } = stage.actors[name].pod;
    return { address: inForm([address4, address6], form), port: SERVER_PORT };
  };
  const connect = async ({ address, port } = service): Promise<number> => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, port)).toEqual({ ok: true });
    return fd;
  };

  test('is the Service that was asked for', async () => {
    const fd = await connect();
    expect(await client.getpeername(fd)).toEqual(service);
    await client.closeSocket(fd);
  });

  test('is the endpoint when the endpoint was asked for', async () => {
    const fd = await connect(endpointOf('v1'));
    expect(await client.getpeername(fd)).toEqual(endpointOf('v1'));
    await client.closeSocket(fd);
  });

  test('is nobody before connecting', async () => {
    const fd = await client.socket(kind);
    expect(await client.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
    await client.closeSocket(fd);
  });

  test('is the same for a copy of the socket, and stays when the other copy is closed', async () => {
    const fd = await connect();
    const copy = await client.dup(fd);
    await client.closeSocket(fd);
    expect(await client.getpeername(copy)).toEqual(service);
    await client.closeSocket(copy);
  });

  test('stays while the endpoint leaves its Service, the Service goes, and both come back', async () => {
    const { v1, v2 } = stage.actors;
    const fd = await connect();
    expect(await serverOf(client, fd, kind)).toBe('v1');
    const [object, ...slices] = serviceWith('web', WEB, [v1]);
    for (const change of [
      () => stage.agent.put(...slicesOf('web', [v2])),
      () => stage.agent.remove(object!, ...slices),
      () => stage.agent.put(object!, ...slices),
    ]) {
      await change();
      expect(await client.getpeername(fd)).toEqual(service);
      expect(await client.send(fd, 'still')).toEqual({ ok: true });
      expect(await client.recv(fd)).toMatchObject({ text: expect.stringContaining('still') });
    }
    await client.closeSocket(fd);
    await retryUntil(() => allEnded(stage.agent));
  });
});

test.each(TCP_WAYS)('a socket on its way has no peer name, and has it once it is there ($way)', async (row) => {
  const fd = await client.socket(row.kind, { nonblock: true });
  const address = inForm(WEB, row.form);
  expect(await client.connect(fd, address, 80)).toEqual({ error: 'EINPROGRESS' });
  expect(await client.poll(fd, 'out')).toEqual(['out']);
  expect(await client.getsockopt(fd, 'so_error')).toEqual({ value: 0 });
  expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
  await client.closeSocket(fd);
});

test.each(UDP_WAYS)('a connected $kind socket receives from the Service ($form)', async ({ kind, form }) => {
  const address = inForm(WEB, form);
  const fd = await client.socket(kind);
  await client.connect(fd, address, 80);
  for (const receive of ['recvfrom', 'recvmsg'] as const) {
    await client.send(fd, 'x');
    expect(await client[receive](fd)).toEqual({ text: 'v1 x', address, port: 80 });
  }
  await client.closeSocket(fd);
});

test('a server sees its client, on a connection that came through a Service', async () => {
  const { client: caller, v2 } = stage.actors;
  const listener = await v2.shell.socket('tcp4');
  await v2.shell.bind(listener, v2.pod.address4, 8300);
  await v2.shell.listen(listener);
  await stage.agent.put(...serviceWith('accepts', ['10.96.0.2'], [v2], { port: 8300 }));
  const fd = await client.socket('tcp4');
  expect(await client.connect(fd, '10.96.0.2', 80)).toEqual({ ok: true });
  const { fd: accepted } = (await v2.shell.accept(listener)) as { readonly fd: number };
  expect(await v2.shell.getpeername(accepted)).toEqual(await client.getsockname(fd));
  expect(await v2.shell.getsockname(accepted)).toEqual({ address: v2.pod.address4, port: 8300 });
  expect(caller.pod.address4).toBe(((await v2.shell.getpeername(accepted)) as { address: string }).address);
  await client.closeSocket(fd);
  await v2.shell.closeSocket(accepted);
  await v2.shell.closeSocket(listener);
});
