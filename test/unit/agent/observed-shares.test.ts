import { describe, expect, test, vi } from 'vitest';
import { Reconciler } from '../../../src/agent/reconciler.ts';
import { backendViews } from '../../../src/agent/tables.ts';
import { compareText } from '../../../src/core/desire/order.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { backend, endpoint, policy, route, service, slice } from '../../helpers/objects.ts';

/** A reconciler on tables in memory, whose connections the test makes. */

const V4 = '10.96.0.1';
const V6 = 'fd00:10:96::1';
const KNOWN = { whole: true, clientsKnown: true };

const tables = () => new FakeDataplane({ frontends: 32, slots: 128, backends: 32, services: 16 });

const stage = async ({ dataplane = tables() }: { readonly dataplane?: FakeDataplane } = {}) => {
  const clock = new ManualClock();
  const reconciler = new Reconciler({
    dataplane,
    node: { name: 'node-a', proxyName: '', externalIPs: false },
    clock,
    onWork: () => {},
    onBackgroundError: (error) => {
      throw error;
    },
  });
  await dataplane.activate();
  const put = async (...objects: readonly ClusterObject[]): Promise<void> => {
    await clock.advance(1000);
    reconciler.note(objects.map((object) => ({ type: 'put', object })));
    await reconciler.run(KNOWN);
    await reconciler.settled();
  };
  /** So many connections, whose random numbers are spread evenly. */
  const connect = (address: string, count: number): void => {
    for (let at = 0; at < count; at++) dataplane.connect(address, 80, 'TCP', Math.floor((at * 2 ** 32) / count));
  };
  const rows = () =>
    [...backendViews(reconciler, dataplane, { only: 'shop/web', left: true })].map(
      ({ address, arm, family, share, observed, stats }) => ({
        name: address === '' ? `${arm ?? 'all'} refused${family === undefined ? '' : family}` : address,
        wanted: Number(share.toFixed(3)),
        ...(observed && { got: Math.round(observed.share * observed.of), of: observed.of, sinceMs: observed.sinceMs }),
        ...(address === '' && { rejected: stats.rejected }),
      }),
    );
  return { reconciler, dataplane, clock, put, connect, rows };
};

const WEB = service({ name: 'web', clusterIPs: [V4] });
const BOTH = slice([endpoint('10.1.0.1', { pod: 'one' }), endpoint('10.1.0.2', { pod: 'two' })]);
const weighed = (weight: number) => policy([{ pod: 'one', weight }]);

describe('what an endpoint got of the connections', () => {
  test('is counted from when its shares were last changed', async () => {
    const { put, connect, rows } = await stage();
    await put(WEB, BOTH);
    expect(rows()).toMatchObject([
      { name: '10.1.0.1', wanted: 0.5, got: 0, of: 0, sinceMs: 1_001_000 },
      { name: '10.1.0.2', wanted: 0.5, got: 0, of: 0 },
    ]);
    connect(V4, 10);
    expect(rows()).toMatchObject([{ got: 5, of: 10 }, { got: 5 }]);
    await put(weighed(3));
    expect(rows()).toMatchObject([
      { wanted: 0.75, got: 0, of: 0, sinceMs: 1_002_000 },
      { wanted: 0.25, got: 0, of: 0 },
    ]);
    connect(V4, 100);
    expect(rows()).toMatchObject([
      { got: 75, of: 100 },
      { got: 25, of: 100 },
    ]);
  });

  test.each<{ title: string; change: ClusterObject }>([
    { title: 'an address comes', change: { ...WEB, clusterIPs: [V4, '10.96.0.9'] } },
    { title: 'the algorithm changes', change: policy([], { algorithm: 'RoundRobin' }) },
    { title: 'another Service comes', change: service({ name: 'other', clusterIPs: ['10.96.0.7'] }) },
  ])('goes on when $title', async ({ change }) => {
    const { put, connect, rows } = await stage();
    await put({ ...WEB, clusterIPs: [V4, V6] }, BOTH);
    connect(V4, 10);
    await put({ ...WEB, clusterIPs: [V4, V6] }, change);
    expect(rows().filter(({ name }) => name.startsWith('10.'))).toMatchObject([
      { got: 5, of: 10, sinceMs: 1_001_000 },
      { got: 5, of: 10 },
    ]);
  });

  test('goes on when tables are compared again, and when they grow', async () => {
    const { reconciler, put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    reconciler.forget();
    const more = Array.from({ length: 40 }, (_, n) => endpoint(`10.2.0.${n}`));
    await put(service({ name: 'big', clusterIPs: ['10.96.0.8'] }), slice(more, { name: 'big-1', service: 'big' }));
    expect(rows()).toMatchObject([{ got: 5, of: 10, sinceMs: 1_001_000 }, { got: 5 }]);
  });

  test('goes on after a growth that failed', async () => {
    const { dataplane, put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    vi.spyOn(dataplane, 'grow').mockRejectedValueOnce(new Error('no memory'));
    const more = Array.from({ length: 40 }, (_, n) => endpoint(`10.2.0.${n}`));
    const big = [service({ name: 'big', clusterIPs: ['10.96.0.8'] }), slice(more, { name: 'big-1', service: 'big' })];
    await expect(put(...big)).rejects.toThrow('no memory');
    expect(rows()).toMatchObject([{ got: 5, of: 10, sinceMs: 1_001_000 }, { got: 5 }]);
    await put();
    expect(rows()).toMatchObject([{ got: 5, of: 10, sinceMs: 1_001_000 }, { got: 5 }]);
  });

  test('begins anew with an agent that starts', async () => {
    const first = await stage();
    await first.put(WEB, BOTH);
    first.connect(V4, 10);
    const second = await stage({ dataplane: first.dataplane });
    await second.clock.advance(5000);
    await second.put(WEB, BOTH);
    expect(second.rows()).toMatchObject([
      { got: 0, of: 0, sinceMs: 1_006_000 },
      { got: 0, of: 0 },
    ]);
    second.connect(V4, 4);
    expect(second.rows()).toMatchObject([
      { got: 2, of: 4 },
      { got: 2, of: 4 },
    ]);
  });

  test('begins anew after a change that could not be applied', async () => {
    const { dataplane, put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    dataplane.failAfter(1);
    await expect(put(weighed(3))).rejects.toMatchObject({ code: 'SHUNT_E_APPLY' });
    expect(rows().every((row) => row.of === undefined)).toBe(true);
    await put();
    connect(V4, 4);
    expect(rows()).toMatchObject([
      { got: 3, of: 4 },
      { got: 1, of: 4 },
    ]);
  });

  test('is never less than nothing, though a growth that was cut left counters behind', async () => {
    const { dataplane, put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    await put(weighed(3));
    dataplane.stats.clear(
      Array.from({ length: dataplane.tables.capacity.backends }, (_, index) => index),
      [],
    );
    connect(V4, 2);
    expect(rows()).toMatchObject([
      { got: 0, of: 0 },
      { got: 0, of: 0 },
    ]);
  });

  test('is nothing where another Service had its record before', async () => {
    const { reconciler, put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    await put(weighed(3));
    reconciler.note([{ type: 'delete', ref: WEB }]);
    await put();
    await put(WEB);
    connect(V4, 4);
    expect(rows().toSorted((one, other) => compareText(one.name, other.name))).toMatchObject([
      { name: '10.1.0.1', got: 3, of: 4 },
      { name: '10.1.0.2', got: 1, of: 4 },
    ]);
  });

  test('is nothing where another endpoint had its record before', async () => {
    const { put, connect, rows } = await stage();
    await put(WEB, BOTH);
    connect(V4, 10);
    for (const name of ['10.1.0.3', '10.1.0.4', '10.1.0.5']) await put({ ...BOTH, endpoints: [endpoint(name)] });
    connect(V4, 3);
    expect(rows()).toMatchObject([{ name: '10.1.0.5', got: 3, of: 3 }]);
  });
});

describe('a share that is refused', () => {
  const GONE = route({ backends: [backend('web', { weight: 3 }), backend('gone', { weight: 1 })] });
  const SIX = slice([endpoint('fd00::1')], { name: 'web-6', family: 6 });

  test('is observed by what it refused, and so is that of the others', async () => {
    const { put, connect, rows } = await stage();
    await put(WEB, BOTH, GONE);
    connect(V4, 100);
    expect(rows()).toMatchObject([
      { name: 'shop/gone:80 refused4', wanted: 0.25, got: 25, of: 100, rejected: 25 },
      { name: '10.1.0.1', wanted: 0.375, of: 100 },
      { name: '10.1.0.2', wanted: 0.375, of: 100 },
    ]);
    await put(route({ backends: [backend('web'), backend('gone')] }));
    expect(rows()[0]).toMatchObject({ wanted: 0.5, got: 0, of: 0, rejected: 25 });
  });

  test('is nothing where that of another route had its record before', async () => {
    const { reconciler, put, connect, rows } = await stage();
    await put(WEB, BOTH, GONE);
    connect(V4, 100);
    await put(route({ backends: [backend('web'), backend('gone')] }));
    // Records that are free are taken in another order each time.
    for (let round = 0; round < 3; round++) {
      reconciler.note([{ type: 'delete', ref: WEB }]);
      await put();
      await put(WEB, GONE);
      connect(V4, 8);
      expect(rows()[0]).toMatchObject({ name: 'shop/gone:80 refused4', got: 2, of: 8, rejected: 2 });
    }
  });

  test('is counted for each family by itself', async () => {
    const { put, connect, rows } = await stage();
    await put({ ...WEB, clusterIPs: [V4, V6] }, BOTH, SIX, GONE);
    connect(V4, 100);
    connect(V6, 8);
    expect(rows().filter(({ name }) => name.includes('refused'))).toMatchObject([
      { name: 'shop/gone:80 refused4', got: 25, of: 100, rejected: 25 },
      { name: 'shop/gone:80 refused6', got: 2, of: 8, rejected: 2 },
    ]);
  });

  test('is one row of a family, whatever addresses it is asked at', async () => {
    const { put, connect, rows } = await stage();
    const local = service({ internalTrafficPolicy: 'Local', loadBalancerIPs: ['192.0.2.1'] });
    await put(local, slice([endpoint('10.1.0.1', { node: 'node-a' })]), GONE);
    connect(V4, 100);
    connect('192.0.2.1', 4);
    expect(rows().filter(({ name }) => name.includes('refused'))).toMatchObject([
      { name: 'shop/gone:80 refused4', got: 26, of: 104, rejected: 26 },
    ]);
  });

  test('is said once where all is refused: then the Service counts it', async () => {
    const { put, connect, rows } = await stage();
    await put({ ...WEB, clusterIPs: [V4, V6] }, BOTH, SIX, route({ backends: [backend('gone', { weight: 0 })] }));
    connect(V4, 3);
    connect(V6, 2);
    expect(rows()).toEqual([{ name: 'all refused', wanted: 1, rejected: 5 }]);
  });
});
