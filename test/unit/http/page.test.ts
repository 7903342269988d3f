import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventQueue } from '../../../src/agent/event-queue.ts';
import { History } from '../../../src/agent/history/history.ts';
import { STEP_MS } from '../../../src/agent/history/ring.ts';
import type { AgentView } from '../../../src/agent/view.ts';
import { renderExplain } from '../../../src/core/explain.ts';
import { type Listener, listenTcp } from '../../../src/http/listen.ts';
import { openPage } from '../../../src/http/open-page.ts';
import { Details } from '../../../src/http/page/detail.ts';
import { readPageFiles } from '../../../src/http/page/files.ts';
import { admitHost } from '../../../src/http/page/host.ts';
import { buildPage } from '../../../src/http/page.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { backendView, EVENT, eventStream, fakeView, SAMPLING, STATS, serviceUsage, serviceView } from './fake-view.ts';

const FILES = [
  { path: '/', type: 'text/html; charset=utf-8', body: Buffer.from('<!doctype html>') },
  { path: '/main.js', type: 'text/javascript; charset=utf-8', body: Buffer.from('export {};') },
];

const listeners: Listener[] = [];
const histories: History[] = [];
const onBug = vi.fn();
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
  onBug.mockClear();
});

afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  for (const history of histories.splice(0)) await history.stop();
});

const serve = async (view: AgentView | undefined = fakeView(), hostName = '127.0.0.1'): Promise<number> => {
  const history = new History({ view: () => view, clock, onFailure: onBug });
  histories.push(history);
  history.start();
  await clock.advance(STEP_MS);
  const deps = { view: () => view, history, clock, node: 'worker-1', version: '1.2.3', files: FILES, hostName, onBug };
  const listener = await listenTcp('127.0.0.1', 0, buildPage(deps));
  listeners.push(listener);
  return Number(listener.address.split(':').at(-1));
};

interface Given {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ask = (port: number, path: string, { method = 'GET', headers = {} }: Given = {}) =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });

const answer = async (port: number, path: string) => JSON.parse((await ask(port, path)).body);

describe('files of the page', () => {
  test('are served as what they are, and nothing else is', async () => {
    const port = await serve();
    expect(await ask(port, '/')).toMatchObject({ status: 200, body: '<!doctype html>' });
    const { headers } = await ask(port, '/main.js?v=1');
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    for (const path of ['/index.html', '/../package.json', '/main.js/', '/v1/status', '/metrics', '//'])
      expect((await ask(port, path)).status, path).toBe(404);
  });

  test('are read once, by their names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'shunt-page-'));
    rmSync(directory, { recursive: true });
    expect(() => readPageFiles(directory)).toThrow(expect.objectContaining({ code: 'SHUNT_E_READ' }));
    const files = readPageFiles('src/web');
    expect(files.map(({ path, type }) => `${path} ${type}`)).toEqual(
      expect.arrayContaining([
        '/ text/html; charset=utf-8',
        '/icon.svg image/svg+xml',
        '/base.css text/css; charset=utf-8',
      ]),
    );
    // Sources are none of them.
    expect(files.filter(({ path }) => path.includes('.ts'))).toEqual([]);
  });

  test('have nothing inline, and lead nowhere else', () => {
    const html = readFileSync('src/web/index.html', 'utf8');
    expect(html.match(/<script(?![^>]*\bsrc="\/)|<style|\son[a-z]+=|\sstyle=|https?:|javascript:/g)).toBeNull();
    const styles = readdirSync('src/web').filter((name) => name.endsWith('.css'));
    for (const name of styles)
      expect(readFileSync(`src/web/${name}`, 'utf8').match(/@import|https?:/g), name).toBeNull();
    const named = [...html.matchAll(/(?:href|src)="\/([^"]+)"/g)].map(([, name = '']) => name.replace(/\.js$/, '.ts'));
    expect(named.toSorted()).toEqual([...styles, 'icon.svg', 'main.ts'].toSorted());
    for (const name of named) expect(existsSync(`src/web/${name}`), name).toBe(true);
  });
});

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

describe('whoever asks', () => {
  test.each(['/', '/api/overview', '/api/nothing', '/api/explain'])(
    'for %s is told what the page may do',
    async (path) => {
      const { headers } = await ask(await serve(), path);
      expect(headers).toMatchObject({
        'content-security-policy': POLICY,
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('by %s gets nothing', async (method) => {
    const { status, headers } = await ask(await serve(), '/', { method });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });

  test.each(['localhost', 'LOCALHOST:9000', '127.0.0.1:1', '[::1]:10378', '10.0.0.7:10378', 'node-1:10378'])(
    'and calls it %s is answered',
    async (host) => {
      expect((await ask(await serve(fakeView(), 'node-1'), '/', { headers: { host } })).status).toBe(200);
    },
  );

  test.each(['evil.example', 'evil.example:10378', 'localhost.evil.example', '127.0.0.1.evil.example', 'node-1:80:80'])(
    'and calls it “%s” gets nothing: a name may lead here from elsewhere',
    async (host) => {
      const { status, body } = await ask(await serve(fakeView(), 'node-1'), '/api/overview', { headers: { host } });
      expect(status).toBe(403);
      expect(JSON.parse(body).error.code).toBe('SHUNT_E_HTTP_HOST');
    },
  );

  test.each([{}, { host: '' }, { host: ':80' }])('and calls it nothing gets nothing: %o', (headers) => {
    for (const ownName of ['', 'node-1'])
      expect(() => admitHost({ headers }, ownName)).toThrow(expect.objectContaining({ code: 'SHUNT_E_HTTP_HOST' }));
  });

  test.each([
    { site: 'none', mode: 'navigate', path: '/', status: 200 },
    { site: 'none', mode: 'navigate', path: '/api/overview', status: 200 },
    { site: 'cross-site', mode: 'navigate', path: '/', status: 200 },
    { site: 'cross-site', mode: 'navigate', path: '/api/overview', status: 403 },
    { site: 'same-origin', mode: 'cors', path: '/api/overview', status: 200 },
    { site: 'cross-site', mode: 'no-cors', path: '/', status: 403 },
    { site: 'same-site', mode: 'cors', path: '/', status: 403 },
  ])('from a $site page by $mode for $path gets $status', async ({ site, mode, path, status }) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode };
    expect((await ask(await serve(), path, { headers })).status).toBe(status);
  });

  test('from a page of another origin, by an address of which browsers do not say more, gets nothing', async () => {
    const headers = { host: '10.0.0.7:10378', origin: 'http://evil.example' };
    expect((await ask(await serve(), '/api/overview', { headers })).status).toBe(403);
  });

  test('before the tables are open is told so', async () => {
    const port = await serve(undefined);
    const history = new History({ view: () => undefined, clock, onFailure: onBug });
    const deps = { view: () => undefined, history, clock, node: '', version: '', files: FILES, hostName: '', onBug };
    const listener = await listenTcp('127.0.0.1', 0, buildPage(deps));
    listeners.push(listener);
    expect((await ask(Number(listener.address.split(':').at(-1)), '/api/overview')).status).toBe(503);
    expect((await ask(port, '/')).status).toBe(200);
  });
});

describe('the overview', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) =>
      serviceUsage({ id: `shop/s${at}/http/TCP`, service: `s${at}`, stats: at % 2 === 0 ? STATS : undefined }),
    );
  const usage = (all: ReturnType<typeof many>) => (ids?: Iterable<string>) => {
    const wanted = ids === undefined ? undefined : [...ids];
    return wanted === undefined ? all : wanted.flatMap((id) => all.find((each) => each.id === id) ?? []);
  };

  test('has counters, health and who asks whom', async () => {
    const overview = await answer(await serve(), '/api/overview');
    expect(overview).toMatchObject({
      node: 'worker-1',
      version: '1.2.3',
      health: { ready: true, detached: ['shunt_connect4'], complaints: { errors: 1, warnings: 0, notes: 0 } },
      ports: 1,
      used: 1,
      rows: [
        {
          id: 'shop/cart/grpc/TCP',
          counts: { connections: 10, failed: 3, rejected: 3, datagrams: 7, sent: 2048, received: 3_000_000, active: 2 },
        },
      ],
      pairs: {
        shown: [
          {
            namespace: 'front',
            workload: 'Deployment/web',
            port: 'shop/cart:7070',
            counts: { connections: 12, failed: 4, rejected: 1 },
          },
        ],
        more: 0,
      },
    });
  });

  test('has a hundred Services of any number, those in use first, and finds the others by name', async () => {
    const port = await serve(fakeView({ usage: usage(many(10_000)) }));
    const all = await answer(port, '/api/overview');
    expect([all.ports, all.used, all.found, all.rows.length]).toEqual([10_000, 5000, 5000, 100]);
    const found = await answer(port, '/api/overview?search=S123');
    expect([found.found, found.rows.length]).toEqual([11, 11]);
    const isUsed = found.rows.map(({ counts }: { counts: { connections: number } }) => counts.connections > 0);
    expect(isUsed).toEqual(isUsed.toSorted((a: boolean, b: boolean) => Number(b) - Number(a)));
    expect((await answer(port, '/api/overview?search=nothing')).rows).toEqual([]);
  });
});

describe('a Service port', () => {
  test('has its endpoints with their shares, in groups that sum up to one', async () => {
    const backends = [
      backendView({ share: 0.9 }),
      backendView({ address: '10.244.1.42', share: 0.1, arm: 'shop/cart-v2:7070' }),
      backendView({ address: 'fd00::1', share: 1 }),
      backendView({
        state: 'refused',
        address: '',
        port: 0,
        family: 6,
        share: 1,
        clients: 'a=b',
        stats: { rejected: 4 },
      }),
    ];
    const port = await serve(fakeView({ backends: () => backends }));
    const { service, backends: shown, more } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    expect(service).toMatchObject({ id: 'shop/cart/grpc/TCP', addresses: ['10.96.0.5', 'fd00:10:96::77'] });
    expect(
      shown.map(({ group, share, arm, rejected }: Record<string, unknown>) => [group, share, arm, rejected]),
    ).toEqual([
      ['IPv4', 0.9, undefined, 3],
      ['IPv4', 0.1, 'shop/cart-v2:7070', 3],
      ['IPv6', 1, undefined, 3],
      ['IPv6 a=b', 1, undefined, 4],
    ]);
    expect(new Set(shown.map(({ key }: { key: string }) => key)).size).toBe(4);
    expect(more).toBe(0);
  });

  test('has the shares that the agent observed, and since when', async () => {
    await clock.advance(4000);
    const sinceMs = clock.wallMs() - 3000;
    const backends = [
      backendView({ observed: { share: 0.4, of: 50, sinceMs } }),
      backendView({ port: 1, observed: { share: 0, of: 0, sinceMs } }),
    ];
    const port = await serve(fakeView({ backends: () => backends }));
    const { backends: shown } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    // A step has passed since.
    expect(shown.map(({ observed }: { observed?: unknown }) => observed)).toEqual([
      { share: 0.4, of: 50, forMs: 8000 },
      undefined,
    ]);
  });

  test('looks for what lives on at drained endpoints every ten seconds only', async () => {
    const asked: unknown[] = [];
    const backends: AgentView['backends'] = (only, left) => {
      asked.push([only, left]);
      return [backendView(), ...(left === false ? [] : [backendView({ state: 'drained', port: 1, share: 0 })])];
    };
    const port = await serve(fakeView({ backends }));
    const path = '/api/service?id=shop/cart/grpc/TCP';
    const first = await answer(port, path);
    await clock.advance(9000);
    const { atMs: _, ...later } = await answer(port, path);
    expect(later).toEqual({ ...first, atMs: undefined });
    await clock.advance(1000);
    await answer(port, path);
    const id = 'shop/cart/grpc/TCP';
    expect(asked).toEqual([
      [id, undefined],
      [id, false],
      [id, undefined],
    ]);
  });

  test('of several that are looked at in turn does not look more often', async () => {
    const asked: unknown[] = [];
    const backends: AgentView['backends'] = (only, left) => {
      if (left !== false) asked.push(only);
      return [backendView(), ...(left === false ? [] : [backendView({ state: 'drained', port: 1, share: 0 })])];
    };
    const services = (only = '') => [serviceView({ id: only })];
    const port = await serve(fakeView({ backends, services }));
    const ids = ['shop/cart/grpc/TCP', 'shop/web/http/TCP'];
    for (let second = 0; second < 5; second++) {
      for (const id of ids) expect((await answer(port, `/api/service?id=${id}`)).backends).toHaveLength(2);
      await clock.advance(1000);
    }
    expect(asked).toEqual(ids);
  });

  test('does not look for it when the last time took long, whichever Service port it is about', async () => {
    const asked: unknown[] = [];
    const slow = new ManualClock();
    let tookMs = 0;
    const backends: AgentView['backends'] = (only, left) => {
      if (left === false) return [backendView()];
      asked.push(only);
      tookMs += 100;
      return [backendView()];
    };
    const details = new Details({ wallMs: () => 0, monotonicMs: () => slow.monotonicMs() + tookMs, after: slow.after });
    const view = fakeView({ backends, services: (only = '') => [serviceView({ id: only })] });
    for (const id of ['a', 'b']) details.read(view, id);
    await slow.advance(1900);
    details.read(view, 'b');
    expect(asked).toEqual(['a']);
    await slow.advance(200);
    details.read(view, 'b');
    expect(asked).toEqual(['a', 'b']);
  });

  test('has shares since a time that is not to come, also when the clock was put back', async () => {
    const backends = [backendView({ observed: { share: 0.4, of: 50, sinceMs: clock.wallMs() + 3_600_000 } })];
    const port = await serve(fakeView({ backends: () => backends }));
    const { backends: shown } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    expect(shown[0].observed.forMs).toBe(0);
  });

  test('with a thousand endpoints shows those with the largest shares, and says how many more there are', async () => {
    const backends = Array.from({ length: 1000 }, (_, at) => backendView({ port: at + 1, share: at / 1000 }));
    const port = await serve(fakeView({ backends: () => backends }));
    const { backends: shown, more } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    expect([shown.length, shown[0].share, more]).toEqual([100, 0.999, 900]);
  });

  test.each(['', '?id=shop/cart', '?id=shop/gone//TCP', '?id=shop/cart/grpc/SCTP'])(
    'that is not there is not shown: %s',
    async (query) => {
      expect((await ask(await serve(), `/api/service${query}`)).status).toBe(400);
    },
  );

  test('has a history, as the node has', async () => {
    const port = await serve();
    expect(await answer(port, '/api/history?id=shop/cart/grpc/TCP')).toMatchObject({ step: 2, stepMs: 5000 });
    const { series } = await answer(port, '/api/history');
    expect(series.connections).toHaveLength(180);
    expect(series.connections.at(-1)).toBe(0);
    expect((await answer(port, '/api/history?id=shop/other//TCP')).series).toBeUndefined();
  });
});

test('what is explained is what the agent says, in the words of `shunt explain`', async () => {
  const asked: unknown[] = [];
  const view = fakeView();
  const explain: AgentView['explain'] = (question) => {
    asked.push(question);
    return view.explain(question);
  };
  const port = await serve({ ...view, explain });
  const question = { address: '10.96.0.5', port: 80, protocol: 'UDP', client: 'shop/web' } as const;
  const query = new URLSearchParams({ ...question, port: '80' });
  expect(await answer(port, `/api/explain?${query}`)).toEqual({
    outcome: 'left alone',
    lines: [...renderExplain(view.explain(question))],
  });
  expect(asked).toEqual([question]);
  expect((await ask(port, '/api/explain?address=nonsense&port=80')).status).toBe(400);
});

test('complaints are the worst hundred', async () => {
  const complaint = (severity: 'error' | 'warning' | 'note') => ({
    severity,
    object: 'Service a/b',
    path: '',
    message: 'm',
  });
  const complaints = () => [
    ...Array.from({ length: 200 }, () => complaint('note')),
    complaint('error'),
    complaint('warning'),
  ];
  const { complaints: shown } = await answer(await serve(fakeView({ complaints })), '/api/complaints');
  expect(shown.map(({ severity }: { severity: string }) => severity).slice(0, 3)).toEqual(['error', 'warning', 'note']);
  expect(shown).toHaveLength(100);
});

describe('server-sent events', () => {
  test('come as messages of what was asked for, no more than a page can show', async () => {
    const asked: unknown[] = [];
    const closed = vi.fn();
    const events: AgentView['events'] = (...given) => {
      asked.push(given);
      return eventStream([[SAMPLING], [EVENT, EVENT]], closed);
    };
    const port = await serve(fakeView({ events }));
    const { headers, body } = await ask(port, '/api/events?service=shop/cart&outcome=closed');
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const messages = body.split('\n\n').filter((message) => message.startsWith('data: '));
    expect(messages.map((message) => JSON.parse(message.slice('data: '.length)))).toEqual([[SAMPLING], [EVENT, EVENT]]);
    expect(body).toMatch(/^retry: \d+\n\n/);
    expect(asked).toEqual([[{ only: 'shop/cart', outcomes: new Set(['closed']), from: undefined }, 25]]);
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  });

  test('end when their reader leaves, also while nothing comes', async () => {
    const closed = vi.fn();
    const queue = new EventQueue(closed);
    const port = await serve(fakeView({ events: () => queue }));
    const sent = request({ host: '127.0.0.1', port, path: '/api/events', agent: false });
    await new Promise<void>((resolve) =>
      sent.on('response', (response) => response.once('data', () => resolve())).end(),
    );
    expect(closed).not.toHaveBeenCalled();
    sent.on('error', () => {});
    sent.destroy();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
    expect(onBug).not.toHaveBeenCalled();
  });

  test('are one stream for each connection, of which there are not many', async () => {
    const events = vi.fn(() => new EventQueue(() => {}));
    const port = await serve(fakeView({ events }));
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50));
    await closed;
    expect(events).toHaveBeenCalledTimes(1);
  });

  test('of unknown outcomes are refused', async () => {
    expect((await ask(await serve(), '/api/events?outcome=lost')).status).toBe(400);
  });
});

describe('an agent that stops', () => {
  test('closes its page with every stream, and forgets its history', async () => {
    const queue = new EventQueue(() => {});
    const view = fakeView({ events: () => queue, services: () => [serviceView()] });
    const directory = mkdtempSync(join(tmpdir(), 'shunt-page-'));
    const path = join(directory, 'page.sock');
    const page = await openPage(
      { path },
      { view: () => view, clock, node: 'n', version: '1', onBug, onFailure: onBug, files: FILES },
    );
    expect(page.address).toBe(path);
    const sent = request({ socketPath: path, path: '/api/events', headers: { host: 'localhost' } });
    const ended = new Promise<void>((resolve) => {
      sent.on('response', (response) => response.resume().on('close', resolve)).on('error', () => resolve());
    });
    await new Promise<void>((resolve) => sent.on('response', () => resolve()).end());
    await clock.advance(0);
    expect(clock.waiting).toBeGreaterThan(0);
    await page.close();
    await ended;
    expect(clock.waiting).toBe(0);
    rmSync(directory, { recursive: true });
  });
});
