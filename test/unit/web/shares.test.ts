import { describe, expect, test } from 'vitest';
import { type BackendSample, observedShares, withSample } from '../../../src/web/shares.ts';
import type { Backend } from '../../../src/web/wire.ts';

const backend = (key: string, share: number, connections: number, changes: Partial<Backend> = {}): Backend => ({
  key,
  group: 'IPv4',
  state: 'answering',
  address: '10.1.0.1',
  port: 80,
  share,
  connections,
  failed: 0,
  rejected: 0,
  active: 0,
  ...changes,
});

const at = (atMs: number, ...backends: readonly Backend[]): BackendSample => ({ atMs, backends });

const observed = (...samples: readonly BackendSample[]) => {
  const { shares, ...rest } = observedShares(samples.reduce<readonly BackendSample[]>(withSample, []));
  return { ...rest, shares: Object.fromEntries(shares) };
};

describe('observed shares', () => {
  test('are those of the connections that came meanwhile', () => {
    expect(
      observed(
        at(0, backend('a', 0.9, 100), backend('b', 0.1, 0)),
        at(2000, backend('a', 0.9, 175), backend('b', 0.1, 25)),
      ),
    ).toEqual({ shares: { a: 0.75, b: 0.25 }, connections: 100, forMs: 2000, isAgents: false });
  });

  test('begin anew when what is wanted changes', () => {
    expect(
      observed(
        at(0, backend('a', 0.9, 0), backend('b', 0.1, 0)),
        at(1000, backend('a', 0.9, 90), backend('b', 0.1, 10)),
        at(2000, backend('a', 0.5, 100), backend('b', 0.5, 20)),
        at(3000, backend('a', 0.5, 130), backend('b', 0.5, 40)),
      ),
    ).toEqual({ shares: { a: 0.6, b: 0.4 }, connections: 50, forMs: 1000, isAgents: false });
  });

  test('are of a minute at most', () => {
    const samples = Array.from({ length: 100 }, (_, s) => at(s * 1000, backend('a', 1, s < 40 ? 0 : s - 39)));
    expect(observed(...samples)).toEqual({ shares: { a: 1 }, connections: 60, forMs: 60_000, isAgents: false });
  });

  test('are told apart by address family, and count what is refused', () => {
    const six = { group: 'IPv6' };
    expect(
      observed(
        at(0, backend('a', 0.5, 0), backend('none', 0.5, 0), backend('c', 1, 5, six)),
        at(1000, backend('a', 0.5, 30), backend('none', 0.5, 0, { rejected: 10 }), backend('c', 1, 5, six)),
      ).shares,
    ).toEqual({ a: 0.75, none: 0.25 });
  });

  test('of an endpoint that came later count from nothing', () => {
    expect(
      observed(at(0, backend('a', 1, 10)), at(1000, backend('a', 1, 20), backend('b', 0, 10, { state: 'drained' })))
        .shares,
    ).toEqual({ a: 0.5, b: 0.5 });
  });

  test('of an endpoint whose counters were reset are not less than nothing', () => {
    expect(
      observed(
        at(0, backend('a', 0.5, 100), backend('b', 0.5, 0)),
        at(1000, backend('a', 0.5, 5), backend('b', 0.5, 20)),
      ),
    ).toMatchObject({ shares: { a: 0, b: 1 }, connections: 20 });
  });

  test('are those that the agent counted, where it did', () => {
    const counted = (share: number, of: number, group = 'IPv4') => ({ group, observed: { share, of, forMs: 9000 } });
    expect(
      observed(
        at(0, backend('a', 0.5, 0), backend('b', 0.5, 0), backend('c', 1, 0)),
        at(
          1000,
          backend('a', 0.5, 10, counted(0.3, 200)),
          backend('b', 0.5, 10, counted(0.7, 200)),
          backend('c', 1, 5, counted(1, 20, 'IPv6')),
        ),
      ),
    ).toEqual({ shares: { a: 0.3, b: 0.7, c: 1 }, connections: 220, forMs: 9000, isAgents: true });
  });

  test('of another agent are not those of the one before', () => {
    expect(observed(at(9000, backend('a', 1, 500)), at(10, backend('a', 1, 2)), at(1010, backend('a', 1, 5)))).toEqual({
      shares: { a: 1 },
      connections: 3,
      forMs: 1000,
      isAgents: false,
    });
  });
});
