import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEvents, type Cluster, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire } from '../../../../src/core/desire/desire.ts';
import {
  factorAt,
  noteStarts,
  type SlowStart,
  type Starts,
  slowStartAt,
} from '../../../../src/core/desire/slow-start.ts';
import { explain } from '../../../../src/core/explain.ts';
import type { EndpointObject, TrafficPolicyObject } from '../../../../src/core/model/objects.ts';
import { endpoint, NOT_READY, OUR_NODE, policy, service, slice } from '../../../helpers/objects.ts';
import { answerLines, destinationRule, route } from '../../../helpers/route-objects.ts';

const SLOW = policy([], { slowStartMs: 30_000 });

const put = (cluster: Cluster, endpoints: readonly EndpointObject[], name = 'web'): void => {
  applyEvents(cluster, [{ type: 'put', object: slice(endpoints, { name: `${name}-1`, service: name }) }]);
};

const clusterWith = (policies: readonly TrafficPolicyObject[]): Cluster => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    [service(), ...policies].map((object) => ({ type: 'put', object }) as const),
  );
  return cluster;
};

const desired = (cluster: Cluster, slowStart: SlowStart) => {
  const input = inputFor(cluster, 'shop/web');
  if (input === undefined) throw new Error('no shop/web');
  return desire({ ...input, node: OUR_NODE, slowStart });
};

describe('an endpoint that becomes able to answer', () => {
  const started = (policies: readonly TrafficPolicyObject[]) => {
    const cluster = clusterWith(policies);
    const starts: Starts = new Map();
    put(cluster, [endpoint('10.1.0.1')]);
    noteStarts(starts, cluster, 'shop/web', 0);
    put(cluster, [endpoint('10.1.0.1'), endpoint('10.1.0.2')]);
    noteStarts(starts, cluster, 'shop/web', 1000);
    return { cluster, starts };
  };
  const { cluster, starts } = started([SLOW]);

  it.each([
    ['begins with a tenth of its weight', 1000, '10.1.0.1:8080=100 10.1.0.2:8080=10'],
    ['has a third of the rest after a third of the time', 11_000, '10.1.0.1:8080=100 10.1.0.2:8080=40'],
    ['has nearly all at the end', 30_999, '10.1.0.1:8080=100 10.1.0.2:8080=100'],
    ['then counts as any other', 31_000, '10.1.0.1:8080=1 10.1.0.2:8080=1'],
  ])('%s', (_, nowMs, want) => {
    expect(answerLines(desired(cluster, slowStartAt(starts, nowMs)).ports)).toEqual([`10.96.0.1:80 -> ${want}`]);
  });

  it('asks to be looked at again while it rises, and not afterwards', () => {
    const againMs = desired(cluster, slowStartAt(starts, 1000)).againMs ?? 0;
    expect(againMs).toBeGreaterThanOrEqual(20);
    expect(againMs).toBeLessThan(1000);
    expect(desired(cluster, slowStartAt(starts, 30_900)).againMs).toBe(100);
    expect(desired(cluster, slowStartAt(starts, 31_000))).not.toHaveProperty('againMs');
  });

  it('is shown as new by explain, with the weight that it has', () => {
    const decision = explain(
      { cluster, node: OUR_NODE, slowStart: () => slowStartAt(starts, 11_000) },
      { address: '10.96.0.1', port: 80, protocol: 'TCP' },
    );
    expect(decision).toMatchObject({
      endpoints: [
        { address: '10.1.0.1', verdict: { verdict: 'share', weight: 100, of: 140 } },
        { address: '10.1.0.2', verdict: { verdict: 'share', weight: 40, of: 140, risen: 40 } },
      ],
    });
    expect(decision).not.toHaveProperty('endpoints.0.verdict.risen');
  });

  it('has all of its weight at once without a slow start, and nothing is remembered', () => {
    const plain = started([policy([])]);
    expect(answerLines(desired(plain.cluster, slowStartAt(plain.starts, 1000)).ports)).toEqual([
      '10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1',
    ]);
    expect(plain.starts.size).toBe(0);
  });

  it('starts slowly by a DestinationRule as well', () => {
    const rule = started([destinationRule({ slowStartMs: 30_000 })]);
    expect(answerLines(desired(rule.cluster, slowStartAt(rule.starts, 1000)).ports)).toEqual([
      '10.96.0.1:80 -> 10.1.0.1:8080=100 10.1.0.2:8080=10',
    ]);
  });

  it('starts anew after it was not ready', () => {
    const again = started([SLOW]);
    put(again.cluster, [endpoint('10.1.0.1', NOT_READY), endpoint('10.1.0.2')]);
    noteStarts(again.starts, again.cluster, 'shop/web', 50_000);
    put(again.cluster, [endpoint('10.1.0.1'), endpoint('10.1.0.2')]);
    noteStarts(again.starts, again.cluster, 'shop/web', 60_000);
    expect(answerLines(desired(again.cluster, slowStartAt(again.starts, 60_000)).ports)).toEqual([
      '10.96.0.1:80 -> 10.1.0.1:8080=10 10.1.0.2:8080=100',
    ]);
  });

  it.each([
    ['is in both slices for a moment', [['a', 'b'], ['b']]],
    ['is in neither for a moment', [[], ['b']]],
    ['goes over at once', [['b']]],
  ])('is not new when it goes from one slice to another and %s', (_, steps) => {
    const moved = clusterWith([SLOW]);
    const starts: Starts = new Map();
    const list = (names: readonly string[], nowMs: number): void => {
      const slices = ['a', 'b'].map((name) =>
        slice(names.includes(name) ? [endpoint('10.1.0.2', { pod: 'web-2' })] : [], { name }),
      );
      applyEvents(
        moved,
        [...slices, slice([endpoint('10.1.0.1')], { name: 'c' })].map((object) => ({ type: 'put', object })),
      );
      noteStarts(starts, moved, 'shop/web', nowMs);
    };
    list(['a'], 0);
    for (const [at, names] of steps.entries()) list(names, 40_000 + at * 500);
    expect(answerLines(desired(moved, slowStartAt(starts, 41_000)).ports)).toEqual([
      '10.96.0.1:80 -> 10.1.0.1:8080=1 10.1.0.2:8080=1',
    ]);
  });

  it.each([
    ['it was away for longer', 'web-2', 43_000],
    ['another Pod has its address', 'web-3', 40_500],
  ])('is new when %s', (_, pod, backMs) => {
    const back = clusterWith([SLOW]);
    const starts: Starts = new Map();
    const first = endpoint('10.1.0.1');
    put(back, [first, endpoint('10.1.0.2', { pod: 'web-2' })]);
    noteStarts(starts, back, 'shop/web', 0);
    put(back, [first]);
    noteStarts(starts, back, 'shop/web', 40_000);
    put(back, [first, endpoint('10.1.0.2', { pod })]);
    noteStarts(starts, back, 'shop/web', backMs);
    expect(answerLines(desired(back, slowStartAt(starts, backMs)).ports)).toEqual([
      '10.96.0.1:80 -> 10.1.0.1:8080=100 10.1.0.2:8080=10',
    ]);
  });

  it('starts slowly within the share of a route as well', () => {
    const routed = clusterWith([policy([], { services: ['v1'], slowStartMs: 30_000 })]);
    applyEvents(
      routed,
      [service({ name: 'v1' }), route([{ name: 'v1' }])].map((object) => ({ type: 'put', object })),
    );
    const own: Starts = new Map();
    put(routed, [endpoint('10.1.1.1')], 'v1');
    noteStarts(own, routed, 'shop/v1', 0);
    put(routed, [endpoint('10.1.1.1'), endpoint('10.1.1.2')], 'v1');
    noteStarts(own, routed, 'shop/v1', 500);
    expect(answerLines(desired(routed, slowStartAt(own, 500)).ports)).toEqual([
      '10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=100 10.1.1.2:8080=10)',
    ]);
  });

  it('is forgotten with its Service', () => {
    const gone = started([SLOW]);
    applyEvents(gone.cluster, [{ type: 'delete', ref: service() }]);
    noteStarts(gone.starts, gone.cluster, 'shop/web', 2000);
    expect(gone.starts.size).toBe(0);
  });
});

it('looked at as often as asked for, shares stay within 2 points of the ramp', () => {
  const weights = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 20 }), sinceMs: fc.nat(20_000) }), {
    minLength: 2,
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      weights,
      fc.oneof(fc.constant(5000), fc.integer({ min: 5000, max: 120_000 })),
      fc.nat(),
      (endpoints, overMs, seed) => {
        const cluster = clusterWith([
          policy(
            endpoints.map(({ weight }, index) => ({ pod: `p${index}`, weight })),
            { slowStartMs: overMs },
          ),
        ]);
        put(
          cluster,
          endpoints.map((_, index) => endpoint(`10.1.0.${index + 1}`, { pod: `p${index}` })),
        );
        // An even one of them was there before.
        const since = (_: string, address: string): number | undefined => {
          const index = Number(address.split('.')[3]) - 1;
          return index % 2 === seed % 2 ? undefined : (endpoints[index]?.sinceMs ?? 0);
        };
        let nowMs = 0;
        for (let looks = 0; looks < 5000; looks++) {
          const { ports, againMs } = desired(cluster, { nowMs, since });
          const programmed = ports[0]?.groups[0]?.endpoints ?? [];
          // At the end of the step the tables still hold what was programmed at its start.
          const lastMs = nowMs + (againMs ?? 0);
          const exact = endpoints.map(({ weight }, index) => {
            const sinceMs = since('', `10.1.0.${index + 1}`);
            return weight * (sinceMs === undefined ? 1 : factorAt(Math.max(0, lastMs - sinceMs), overMs));
          });
          const total = programmed.reduce((sum, each) => sum + each.weight, 0);
          const exactTotal = exact.reduce((sum, each) => sum + each, 0);
          for (const [index, each] of programmed.entries()) {
            expect(Math.abs(each.weight / total - (exact[index] ?? 0) / exactTotal)).toBeLessThan(0.02);
          }
          if (againMs === undefined) return;
          nowMs = lastMs;
        }
        expect.unreachable('the ramp has no end');
      },
    ),
    { numRuns: 60 },
  );
});
