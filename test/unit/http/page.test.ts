import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { EventQueue } from '../../../src/agent/event-queue.ts';
import type { AgentView } from '../../../src/agent/view.ts';
import { renderExplain } from '../../../src/core/explain.ts';
import { answer, ask } from './ask.ts';
import { EVENT, eventStream, fakeView, SAMPLING } from './fake-view.ts';
import { servePage } from './serve-page.ts';

test('files of the page are served as what they are, and nothing else is', async () => {
  const port = await servePage();
  expect(await ask(port, '/')).toMatchObject({ status: 200, body: '<!doctype html>' });
  const { headers } = await ask(port, '/main.js?v=1');
  expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
  for (const path of ['/index.html', '/../package.json', '/main.js/', '/v1/status', '/metrics', '//'])
    expect((await ask(port, path)).status, path).toBe(404);
});

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

describe('whoever asks', () => {
  test.each(['/', '/api/overview', '/api/nothing', '/api/explain'])(
    'for %s is told what the page may do',
    async (path) => {
      const { headers } = await ask(await servePage(), path);
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
    const { status, headers } = await ask(await servePage(), '/', { method });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });

  test('before the tables are open is told so, but has the page', async () => {
    const port = await servePage(fakeView(), { isOpen: false });
    const { status, body } = await ask(port, '/api/overview');
    expect([status, JSON.parse(body).error.code]).toEqual([503, 'SHUNT_E_STARTING']);
    expect((await ask(port, '/')).status).toBe(200);
  });
});

test('a Service port has a history, as the node has', async () => {
  const port = await servePage();
  expect(await answer(port, '/api/history?id=shop/cart/grpc/TCP')).toMatchObject({ step: 2, stepMs: 5000 });
  const { series } = await answer(port, '/api/history');
  expect(series.connections).toHaveLength(180);
  expect(series.connections.at(-1)).toBe(0);
  expect((await answer(port, '/api/history?id=shop/other//TCP')).series).toBeUndefined();
});

test('what is explained is what the agent says, in the words of `shunt explain`', async () => {
  const asked: unknown[] = [];
  const view = fakeView();
  const explain: AgentView['explain'] = (question) => {
    asked.push(question);
    return view.explain(question);
  };
  const port = await servePage({ ...view, explain });
  const question = { address: '10.96.0.5', port: 80, protocol: 'UDP', client: 'shop/web' } as const;
  const query = new URLSearchParams({ ...question, port: '80' });
  expect(await answer(port, `/api/explain?${query}`)).toEqual({
    outcome: 'left alone',
    lines: [...renderExplain(view.explain(question))],
  });
  expect(asked).toEqual([question]);
  expect((await ask(port, '/api/explain?address=nonsense&port=80')).status).toBe(400);
});

describe('server-sent events', () => {
  test('come as messages of what was asked for, no more than a page can show', async () => {
    const asked: unknown[] = [];
    const closed = vi.fn();
    const events: AgentView['events'] = (...given) => {
      asked.push(given);
      return eventStream([[SAMPLING], [EVENT, EVENT]], closed);
    };
    const port = await servePage(fakeView({ events }));
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
    const port = await servePage(fakeView({ events: () => queue }));
    const sent = request({ host: '127.0.0.1', port, path: '/api/events', agent: false });
    await new Promise<void>((resolve) =>
      sent.on('response', (response) => response.once('data', () => resolve())).end(),
    );
    expect(closed).not.toHaveBeenCalled();
    sent.on('error', () => {});
    sent.destroy();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  });

  test('are one stream for each connection, of which there are not many', async () => {
    const events = vi.fn(() => new EventQueue(() => {}));
    const port = await servePage(fakeView({ events }));
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50));
    await closed;
    expect(events).toHaveBeenCalledTimes(1);
  });

  test('of unknown outcomes are refused', async () => {
    expect((await ask(await servePage(), '/api/events?outcome=lost')).status).toBe(400);
  });
});
