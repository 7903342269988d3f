import { describe, expect, test } from 'vitest';
import { portText } from '../../../../src/web/figures.ts';
import { answer } from '../ask.ts';
import { fakeView, STATS, serviceUsage, workloadUsage } from '../fake-view.ts';
import { servePage } from '../serve-page.ts';

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
    const overview = await answer(await servePage(), '/api/overview');
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

  test('says of a pair and of a row in one way which Service port it is about', async () => {
    const dns = serviceUsage({ namespace: 'kube-system', service: 'kube-dns', port: 53, protocol: 'UDP' });
    for (const usage of [serviceUsage(), dns]) {
      const workloads = () => ({ usage: [workloadUsage(usage)], pairs: { shown: 1, other: 0 } });
      const { rows, pairs } = await answer(
        await servePage(fakeView({ usage: () => [usage], workloads })),
        '/api/overview',
      );
      expect(pairs.shown[0].port).toBe(portText(rows[0]));
    }
  });

  test('has a hundred Services of any number, those in use first, and finds the others by name', async () => {
    const port = await servePage(fakeView({ usage: usage(many(10_000)) }));
    const all = await answer(port, '/api/overview');
    expect([all.ports, all.used, all.found, all.rows.length]).toEqual([10_000, 5000, 5000, 100]);
    const found = await answer(port, '/api/overview?search=S123');
    expect([found.found, found.rows.length]).toEqual([11, 11]);
    const isUsed = found.rows.map(({ counts }: { counts: { connections: number } }) => counts.connections > 0);
    expect(isUsed).toEqual(isUsed.toSorted((a: boolean, b: boolean) => Number(b) - Number(a)));
    expect((await answer(port, '/api/overview?search=nothing')).rows).toEqual([]);
  });
});
