import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestListener, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventQueue } from '../../../src/agent/event-queue.ts';
import type { AgentView, BackendView } from '../../../src/agent/view.ts';
import { buildAdmin } from '../../../src/http/admin.ts';
import { type Listener, listenTcp, listenUnix } from '../../../src/http/listen.ts';
import { buildPublic } from '../../../src/http/public.ts';
import { ask } from './ask.ts';
import { backendView, EVENT, eventStream, fakeView, SAMPLING, STATUS } from './fake-view.ts';

let directory: string;
const listeners: Listener[] = [];
const onBug = vi.fn();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-http-'));
  onBug.mockClear();
});

afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  rmSync(directory, { recursive: true });
});

const serve = async (handler: RequestListener, name = 'admin.sock'): Promise<string> => {
  const listener = await listenUnix(join(directory, name), handler);
  listeners.push(listener);
  return listener.address;
};

describe('events over the admin API', () => {
  const PATH = '/v1/events?namespace=shop&outcome=reset,closed&outcome=refused&from=shop/web-1';

  test('come as lines of JSON, by the filters that were given', async () => {
    const filters: unknown[] = [];
    const closed = vi.fn();
    const events: AgentView['events'] = (filter) => {
      filters.push(filter);
      return eventStream([[SAMPLING], [EVENT, EVENT]], closed);
    };
    const socket = await serve(buildAdmin({ view: () => fakeView({ events }), onBug }));
    const { status, headers, body } = await ask(socket, PATH);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const lines = body.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([SAMPLING, EVENT, EVENT]);
    expect(filters).toEqual([{ only: 'shop', outcomes: new Set(['reset', 'closed', 'refused']), from: 'shop/web-1' }]);
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
    expect(onBug).not.toHaveBeenCalled();
  });

  test('end when their reader dies, also while nothing comes', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const queue = new EventQueue(resolve);
    const socket = await serve(buildAdmin({ view: () => fakeView({ events: () => queue }), onBug }));
    queue.push(EVENT);
    const sent = request({ socketPath: socket, path: '/v1/events', agent: false });
    sent.on('error', () => {});
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await once(response, 'data');
    sent.destroy();
    await closed;
    expect(onBug).not.toHaveBeenCalled();
  });

  test('never pile up for a reader that does not read', async () => {
    const queue = new EventQueue(() => {});
    queue.push(EVENT);
    const socket = await serve(buildAdmin({ view: () => fakeView({ events: () => queue }), onBug }));
    const sent = request({ socketPath: socket, path: '/v1/events', agent: false });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.pause();
    const many = 50_001;
    for (let pushed = 1; pushed < many; pushed += 500) {
      for (let each = 0; each < 500; each++) queue.push(EVENT);
      await new Promise(setImmediate);
    }
    expect(queue.skipped).toBeGreaterThan(many / 2);
    let shown = 0;
    queue.close();
    response.setEncoding('utf8').on('data', (text: string) => {
      shown += text.split('\n').length - 1;
    });
    response.resume();
    await once(response, 'end');
    expect(shown + queue.skipped).toBe(many);
  });

  test.each([
    { query: 'outcome=lost', says: 'outcome' },
    { query: 'from=a/b/c', says: 'from' },
    { query: 'service=cart', says: 'service' },
  ])('are refused for $query', async ({ query, says }) => {
    const socket = await serve(buildAdmin({ view: () => fakeView(), onBug }));
    const { status, body } = await ask(socket, `/v1/events?${query}`);
    expect(status).toBe(400);
    expect(JSON.parse(body).error.message).toContain(says);
  });
});

describe('the admin API', () => {
  const admin = () => serve(buildAdmin({ view: () => fakeView(), onBug }));

  test.each([
    { path: '/v1/status', says: { version: '1.2.3', ready: true, used: STATUS.used } },
    {
      path: '/v1/services',
      says: { services: [{ id: 'shop/cart/grpc/TCP' }, { id: 'shop/idle//TCP' }, { id: 'shop-old/cart//TCP' }] },
    },
    { path: '/v1/services?service=shop/idle', says: { services: [{ id: 'shop/idle//TCP' }] } },
    { path: '/v1/services?namespace=shop-old', says: { services: [{ id: 'shop-old/cart//TCP' }] } },
    { path: '/v1/services?namespace=sho', says: { services: [] } },
    { path: '/v1/backends', says: { backends: [{ address: '10.244.1.41', share: 0.5 }] } },
    { path: '/v1/backends?service=shop/cart', says: { backends: [{ service: 'shop/cart' }] } },
    { path: '/v1/backends?service=shop/none', says: { backends: [] } },
    { path: '/v1/backends?namespace=shop', says: { backends: [{ service: 'shop/cart' }] } },
    { path: '/v1/backends?namespace=shop-old', says: { backends: [] } },
    { path: '/v1/complaints', says: { complaints: [{ severity: 'error', object: 'Service shop/cart' }] } },
    {
      path: '/v1/explain?address=FD00::0:1&port=80&protocol=UDP',
      says: { outcome: 'left alone', question: { address: 'fd00::1', port: 80, protocol: 'UDP' } },
    },
    { path: '/v1/explain?address=10.0.0.1&port=80', says: { question: { protocol: 'TCP' } } },
    { path: '/v1/explain?address=10.0.0.1&port=80&client=shop/web-0', says: { question: { client: 'shop/web-0' } } },
  ])('answers GET $path', async ({ path, says }) => {
    const { status, headers, body } = await ask(await admin(), path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(body)).toMatchObject(says);
  });

  test.each([
    { method: 'GET', path: '/v2/status', status: 404, code: 'SHUNT_E_HTTP_PATH' },
    { method: 'GET', path: '//', status: 404, code: 'SHUNT_E_HTTP_PATH' },
    { method: 'POST', path: '/v1/status', status: 405, code: 'SHUNT_E_HTTP_METHOD' },
    { method: 'DELETE', path: '/v1/services', status: 405, code: 'SHUNT_E_HTTP_METHOD' },
    { method: 'GET', path: '/v1/backends?service=cart', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    { method: 'GET', path: '/v1/services?service=cart', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    { method: 'GET', path: '/v1/services?namespace=shop/cart', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    { method: 'GET', path: '/v1/services?namespace=', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    {
      method: 'GET',
      path: '/v1/backends?namespace=shop&service=shop/cart',
      status: 400,
      code: 'SHUNT_E_HTTP_PARAMETER',
    },
    { method: 'GET', path: '/v1/explain', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    { method: 'GET', path: '/v1/explain?address=localhost&port=80', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    {
      method: 'GET',
      path: '/v1/explain?address=10.0.0.1&port=80&client=web-0',
      status: 400,
      code: 'SHUNT_E_HTTP_PARAMETER',
    },
    { method: 'GET', path: '/v1/explain?address=10.0.0.1&port=0', status: 400, code: 'SHUNT_E_HTTP_PARAMETER' },
    {
      method: 'GET',
      path: '/v1/explain?address=10.0.0.1&port=80&protocol=SCTP',
      status: 400,
      code: 'SHUNT_E_HTTP_PARAMETER',
    },
  ])('answers $method $path with $status and an error of the one shape', async ({ method, path, status, code }) => {
    const answer = await ask(await admin(), path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.allow).toBe(status === 405 ? 'GET' : undefined);
    expect(JSON.parse(answer.body)).toEqual({
      error: { code, message: expect.any(String), help: expect.stringMatching(/\w/) },
    });
  });

  test('answers 503 until the agent has opened its tables', async () => {
    const { status, body } = await ask(await serve(buildAdmin({ view: () => undefined, onBug })), '/v1/status');
    expect(status).toBe(503);
    expect(JSON.parse(body).error.code).toBe('SHUNT_E_STARTING');
  });

  test('answers a bug with 500, tells the log, and keeps what happened from the client', async () => {
    const bug = new Error('wings of wax');
    const view = fakeView({
      services: () => {
        throw bug;
      },
    });
    const { status, body } = await ask(await serve(buildAdmin({ view: () => view, onBug })), '/v1/services');
    expect(status).toBe(500);
    expect(body).not.toContain('wax');
    expect(onBug).toHaveBeenCalledExactlyOnceWith(bug, '/v1/services');
  });
});

/** Probes come every few seconds, and a status looks at a whole table. */
const tooExpensive = (): never => {
  throw new Error('asked for a status');
};

describe('a long list of the admin API', () => {
  const LENGTH = 20_000;
  const list = async (backends: () => Iterable<BackendView>) =>
    serve(buildAdmin({ view: () => fakeView({ backends }), onBug }));

  test('is made while it is sent, and the event loop has turns in between', async () => {
    let turn = 0;
    const made: number[] = [];
    const socket = await list(function* () {
      for (let port = 1; port <= LENGTH; port++) {
        made[turn] = (made[turn] ?? 0) + 1;
        yield backendView({ port });
      }
    });
    const ticking = setInterval(() => turn++, 0);
    const { headers, body } = await ask(socket, '/v1/backends');
    clearInterval(ticking);
    const { backends } = JSON.parse(body) as { backends: BackendView[] };
    expect(backends.map(({ port }) => port)).toEqual(Array.from({ length: LENGTH }, (_, index) => index + 1));
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'transfer-encoding': 'chunked',
    });
    expect(Math.max(...made.filter((count) => count > 0))).toBeLessThan(LENGTH / 4);
  });

  test('ends with the client that asked, and that is no bug', async () => {
    const left = Promise.withResolvers<void>();
    const socketPath = await list(function* () {
      try {
        for (;;) yield backendView();
      } finally {
        left.resolve();
      }
    });
    const sent = request({ socketPath, path: '/v1/backends', agent: false }, (response) => {
      response.once('data', () => sent.destroy());
    });
    sent.on('error', () => {}).end();
    await left.promise;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(onBug).not.toHaveBeenCalled();
  });

  test('is cut off by a bug, so that a part does not pass for the whole', async () => {
    const bug = new Error('wings of wax');
    const socket = await list(function* () {
      for (let index = 0; index < LENGTH; index++) yield backendView();
      throw bug;
    });
    await expect(ask(socket, '/v1/backends')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(onBug).toHaveBeenCalledExactlyOnceWith(bug, '/v1/backends');
  });
});

describe('the public listener', () => {
  const answer = async (state: Partial<typeof STATUS> | undefined, path: string) => {
    const view = state === undefined ? undefined : fakeView({ state, status: tooExpensive });
    const { status, body } = await ask(
      await serve(buildPublic({ view: () => view, scrape: () => undefined, onBug })),
      path,
    );
    return { status, body };
  };
  const source = STATUS.source;

  test.each([
    {
      title: 'before the tables are open',
      state: undefined,
      healthy: 'ok',
      ready: 'starting: the tables are not open yet',
    },
    {
      title: 'while objects are read',
      state: { ready: false, source: { ...source, synced: false } },
      healthy: 'ok',
      ready: 'starting: reading file:/objects',
    },
    {
      title: 'while the kernel is programmed',
      state: { ready: false },
      healthy: 'ok',
      ready: 'starting: programming the kernel',
    },
    {
      title: 'when the source is in trouble at the start',
      state: { ready: false, source: { ...source, trouble: 'ENOENT' } },
      healthy: 'ok',
      ready: 'starting: file:/objects is in trouble: ENOENT',
    },
    { title: 'when all is well', state: {}, healthy: 'ok', ready: 'ok' },
    {
      title: 'when the source is in trouble later',
      state: { source: { ...source, trouble: 'ENOENT' } },
      healthy: 'ok',
      ready: 'ok',
    },
    {
      title: 'when the agent is not healthy',
      state: { unhealthy: 'table full' },
      healthy: 'unhealthy: table full',
      ready: 'ok',
    },
  ])('tells health and readiness $title', async ({ state, healthy, ready }) => {
    expect(await answer(state, '/healthz')).toEqual({ status: healthy === 'ok' ? 200 : 503, body: `${healthy}\n` });
    listeners.splice(0).forEach((listener) => void listener.close());
    expect(await answer(state, '/readyz')).toEqual({ status: ready === 'ok' ? 200 : 503, body: `${ready}\n` });
  });

  test('sends a scrape piece by piece', async () => {
    const scrape = async () => ({
      type: 'text/plain; version=0.0.4',
      body: [Buffer.from('up '), new Uint8Array(0), Buffer.from('1\n')],
    });
    const socket = await serve(buildPublic({ view: () => undefined, scrape, onBug }));
    const { status, headers, body } = await ask(socket, '/metrics');
    expect({ status, type: headers['content-type'], body }).toEqual({
      status: 200,
      type: 'text/plain; version=0.0.4',
      body: 'up 1\n',
    });
  });

  test('has no way to the admin API', async () => {
    expect((await answer({}, '/v1/status')).status).toBe(404);
  });
});

describe('the UNIX socket', () => {
  const handler = buildAdmin({ view: () => undefined, onBug });

  test('is for its owner only, in a directory that is made for it', async () => {
    const path = await serve(handler, 'run/shunt/admin.sock');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'run/shunt')).mode & 0o777).toBe(0o755);
  });

  test('of an agent that answers is not taken from it', async () => {
    const path = await serve(handler);
    await expect(listenUnix(path, handler)).rejects.toMatchObject({ code: 'SHUNT_E_RUNNING' });
    expect((await ask(path, '/v1/status')).status).toBe(503);
  });

  test('that a dead agent left behind is replaced', async () => {
    const path = join(directory, 'admin.sock');
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(join(directory, 'born.sock'), resolve));
    // Renamed, it is not removed with its server: as after kill -9.
    const { renameSync } = await import('node:fs');
    renameSync(join(directory, 'born.sock'), path);
    await new Promise((resolve) => dead.close(resolve));
    expect(statSync(path).isSocket()).toBe(true);
    expect((await ask(await serve(handler), '/v1/status')).status).toBe(503);
  });

  test('does not replace a file that is no socket', async () => {
    const path = join(directory, 'admin.sock');
    writeFileSync(path, 'precious');
    await expect(listenUnix(path, handler)).rejects.toMatchObject({ code: 'SHUNT_E_LISTEN' });
    expect(statSync(path).size).toBe(8);
  });

  test('says where nobody may make it that rights are missing, not another address', async () => {
    await expect(listenUnix('/sys/shunt-none/admin.sock', handler)).rejects.toMatchObject({
      code: 'SHUNT_E_RIGHTS',
      message: expect.stringMatching(/^may not use \/sys\/shunt-none\/admin\.sock: E(ACCES|PERM)$/),
    });
  });

  test('goes when it is closed', async () => {
    const path = await serve(handler);
    await listeners.pop()?.close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('listening on TCP', () => {
  const handler = buildPublic({ view: () => undefined, scrape: () => undefined, onBug });

  test.each(['127.0.0.1', '::1'])('serves on %s', async (host) => {
    const listener = await listenTcp(host, 0, handler);
    listeners.push(listener);
    expect(listener.address).toMatch(host === '::1' ? /^\[::1\]:\d+$/ : /^127\.0\.0\.1:\d+$/);
    const response = await fetch(`http://${listener.address}/healthz`);
    expect(await response.text()).toBe('ok\n');
  });

  test('says which address is taken, and what to do', async () => {
    const listener = await listenTcp('127.0.0.1', 0, handler);
    listeners.push(listener);
    const port = Number(listener.address.split(':')[1]);
    await expect(listenTcp('127.0.0.1', port, handler)).rejects.toMatchObject({
      code: 'SHUNT_E_LISTEN',
      message: expect.stringMatching(/^cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/),
    });
  });
});
