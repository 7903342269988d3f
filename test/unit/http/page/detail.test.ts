import { beforeEach, describe, expect, test } from 'vitest';
import type { AgentView } from '../../../../src/agent/view.ts';
import { Details } from '../../../../src/http/page/detail.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { answer, ask } from '../ask.ts';
import { backendView, fakeView, serviceView } from '../fake-view.ts';
import { servePage } from '../serve-page.ts';

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
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
    const port = await servePage(fakeView({ backends: () => backends }), { clock });
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
    const port = await servePage(fakeView({ backends: () => backends }), { clock });
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
    const port = await servePage(fakeView({ backends }), { clock });
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
    const port = await servePage(fakeView({ backends, services }), { clock });
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
    const port = await servePage(fakeView({ backends: () => backends }), { clock });
    const { backends: shown } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    expect(shown[0].observed.forMs).toBe(0);
  });

  test('with a thousand endpoints shows those with the largest shares, and says how many more there are', async () => {
    const backends = Array.from({ length: 1000 }, (_, at) => backendView({ port: at + 1, share: at / 1000 }));
    const port = await servePage(fakeView({ backends: () => backends }), { clock });
    const { backends: shown, more } = await answer(port, '/api/service?id=shop/cart/grpc/TCP');
    expect([shown.length, shown[0].share, more]).toEqual([100, 0.999, 900]);
  });

  test.each(['', '?id=shop/cart', '?id=shop/gone//TCP', '?id=shop/cart/grpc/SCTP'])(
    'that is not there is not shown: %s',
    async (query) => {
      expect((await ask(await servePage(), `/api/service${query}`)).status).toBe(400);
    },
  );
});
