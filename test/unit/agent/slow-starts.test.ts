import { describe, expect, test } from 'vitest';
import { SlowStarts } from '../../../src/agent/slow-starts.ts';
import { applyEvents, createCluster } from '../../../src/core/cluster.ts';
import type { TrafficPolicyObject } from '../../../src/core/model/objects.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { endpoint, NOT_READY, policy, SERVES_WHILE_TERMINATING, service, slice } from '../../helpers/objects.ts';

const WEB = 'shop/web';
const A = '10.1.0.1';
const B = '10.1.0.2';

const SLOW = policy([], { slowStartMs: 10_000 });

const stage = () => {
  const clock = new ManualClock();
  const rung: (readonly string[])[] = [];
  const cluster = createCluster();
  const starts = new SlowStarts({ clock, cluster, onDue: (keys) => rung.push(keys) });
  const look = (
    endpoints: Parameters<typeof slice>[0],
    { policies = [SLOW], whole = true }: { policies?: readonly TrafficPolicyObject[]; whole?: boolean } = {},
  ): readonly (number | undefined)[] => {
    applyEvents(cluster, [
      ...[service(), slice(endpoints), ...policies].map((object) => ({ type: 'put', object }) as const),
      ...(policies.length === 0 ? [{ type: 'delete', ref: SLOW } as const] : []),
    ]);
    starts.follow([WEB], { whole });
    const { since } = starts.now();
    return [since(WEB, A, 8080), since(WEB, B, 8080)];
  };
  return { clock, cluster, rung, starts, look };
};

describe('an endpoint is new', () => {
  test('since it became ready, and not when it was there at the first look', async () => {
    const { clock, look } = stage();
    await clock.advance(1000);
    expect(look([endpoint(A), endpoint(B, NOT_READY)])).toEqual([undefined, undefined]);
    await clock.advance(1000);
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, 2000]);
    await clock.advance(1000);
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, 2000]);
  });

  test('when it was gone and came back', async () => {
    const { clock, look } = stage();
    look([endpoint(A), endpoint(B)]);
    await clock.advance(1000);
    expect(look([endpoint(A, SERVES_WHILE_TERMINATING), endpoint(B)])).toEqual([undefined, undefined]);
    await clock.advance(1000);
    expect(look([endpoint(A), endpoint(B)])).toEqual([2000, undefined]);
  });

  test('not when it was ready before anybody asked for a slow start, or asked again', async () => {
    const { clock, look } = stage();
    look([endpoint(A)], { policies: [policy([])] });
    await clock.advance(1000);
    look([endpoint(A), endpoint(B)], { policies: [policy([])] });
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, undefined]);
    await clock.advance(1000);
    look([endpoint(A)]);
    await clock.advance(3000);
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, 5000]);
    look([endpoint(A), endpoint(B)], { policies: [] });
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, undefined]);
  });

  test('not when it may have been there before, in an object that could not be read', async () => {
    const { clock, look } = stage();
    look([endpoint(A)], { whole: false });
    await clock.advance(1000);
    look([endpoint(A), endpoint(B)], { whole: false });
    expect(look([endpoint(A), endpoint(B)])).toEqual([undefined, undefined]);
  });

  test('not any more once its Service is gone', () => {
    const { cluster, starts, look } = stage();
    look([]);
    expect(look([endpoint(A)])).toEqual([0, undefined]);
    applyEvents(cluster, [{ type: 'delete', ref: service() }]);
    starts.follow([WEB], { whole: true });
    expect(starts.now().since(WEB, A, 8080)).toBeUndefined();
  });
});

describe('weights are worked out again', () => {
  test('once for each time that it was asked for, whoever is due first first', async () => {
    const { clock, rung, starts } = stage();
    starts.askAgain(WEB, 500);
    starts.askAgain('shop/cart', 200);
    starts.askAgain('shop/blog', 500);
    expect(clock.waiting).toBe(1);
    await clock.advance(499);
    expect(rung).toEqual([['shop/cart']]);
    await clock.advance(1000);
    expect(rung).toEqual([['shop/cart'], [WEB, 'shop/blog']]);
    expect(clock.waiting).toBe(0);
  });

  test('at the time that was asked for last', async () => {
    const { clock, rung, starts } = stage();
    starts.askAgain(WEB, 200);
    starts.askAgain(WEB, 500);
    await clock.advance(499);
    expect(rung).toEqual([]);
    await clock.advance(1);
    expect(rung).toEqual([[WEB]]);
  });

  test('not when that is over, and not after the stop', async () => {
    const { clock, rung, starts } = stage();
    starts.askAgain(WEB, 200);
    starts.askAgain('shop/cart', 300);
    starts.askAgain(WEB, undefined);
    await clock.advance(250);
    starts.stop();
    await clock.advance(1000);
    expect({ rung, waiting: clock.waiting }).toEqual({ rung: [], waiting: 0 });
  });
});
