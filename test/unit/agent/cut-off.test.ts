import { describe, expect, test } from 'vitest';
import { wouldCutOff } from '../../../src/agent/cut-off.ts';
import type { DesiredArm, DesiredGroup, DesiredPort } from '../../../src/core/model/desired.ts';
import { frontendKey } from '../../../src/core/plan/have.ts';
import type { FrontendWrite } from '../../../src/core/plan/transaction.ts';

const ADDRESS = '10.96.0.1';
const ENDPOINTS = [{ address: '10.1.0.1', port: 8080, weight: 1 }];

const arm = (id: string, endpoints: DesiredArm['endpoints']): DesiredArm => ({
  id,
  weight: 1,
  choice: { algorithm: 'WeightedRandom', hashOn: 'Pod' },
  endpoints,
});

const group = (fields: Partial<DesiredGroup> = {}): DesiredGroup => ({
  family: 4,
  kind: 'cluster',
  port: 80,
  addresses: [ADDRESS],
  scope: 'cluster',
  endpoints: ENDPOINTS,
  ...fields,
});

const want = (...groups: readonly DesiredGroup[]): DesiredPort => ({
  id: 'shop/web/http/TCP',
  protocol: 'TCP',
  port: 80,
  affinityTimeoutS: 0,
  groups,
  closed: [],
});

/** Of what the last agent left. */
const found = (fields: Partial<FrontendWrite> = {}): FrontendWrite => ({
  address: ADDRESS,
  protocol: 'TCP',
  port: 80,
  service: 0,
  slotBase: 1,
  slotCount: 1,
  scope: 'cluster',
  ...fields,
});

const asks = (entries: readonly FrontendWrite[], port: DesiredPort, known: readonly string[] = []): boolean =>
  wouldCutOff(
    {
      ports: new Map(known.map((id) => [id, { service: 0, frontends: entries }])),
      frontends: new Map(entries.map((entry) => [frontendKey(entry), entry])),
    },
    port,
  );

const SHARED = { endpoints: [], arms: [arm('a', ENDPOINTS), arm('b', ENDPOINTS)] };
const HALF = { endpoints: [], arms: [arm('a', ENDPOINTS), arm('b', [])] };
const REFUSED = { endpoints: [] };
const CLIENT = { client: { cgroup: 7n, level: 2 }, variant: 1 };
const NODE = { kind: 'node', port: 30_080, addresses: ['192.0.2.1'] } as const;
const AT_NODE = { address: '192.0.2.1', port: 30_080 };

describe('what was in force at the start', () => {
  test.each<{ title: string; before: Partial<FrontendWrite>; groups: readonly Partial<DesiredGroup>[] }>([
    { title: 'endpoints, if none is known any more', before: {}, groups: [REFUSED] },
    { title: 'the same at a node port', before: AT_NODE, groups: [{}, { ...NODE, ...REFUSED }] },
    { title: 'endpoints, if one of the shares has none', before: {}, groups: [HALF] },
    { title: 'shares, if one of them has no endpoint any more', before: { arms: true }, groups: [HALF] },
    { title: 'shares, if nothing says any more that there are any', before: { arms: true }, groups: [{}] },
    { title: 'a choice of some clients, if nobody is one any more', before: { clientLevels: 4 }, groups: [{}] },
    {
      title: 'a choice of some clients, if they are such at another port only',
      before: { clientLevels: 4 },
      groups: [{}, { port: 81, ...CLIENT }],
    },
  ])('stays while the cluster is not known as a whole: $title', ({ before, groups }) => {
    expect(asks([found(before)], want(...groups.map(group)))).toBe(true);
  });

  test.each<{ title: string; before: readonly Partial<FrontendWrite>[]; groups: readonly Partial<DesiredGroup>[] }>([
    { title: 'endpoints, for others', before: [{}], groups: [{}] },
    { title: 'endpoints, for shares that all have some', before: [{}], groups: [SHARED] },
    { title: 'shares, for others', before: [{ arms: true }], groups: [SHARED] },
    { title: 'a refusal, for anything', before: [{ slotCount: 0 }], groups: [HALF] },
    { title: 'a refusal, for another one', before: [{ slotCount: 0 }], groups: [REFUSED] },
    { title: 'nothing, for a refusal', before: [], groups: [REFUSED] },
    { title: 'a choice of some clients, for theirs', before: [{ clientLevels: 4 }], groups: [CLIENT, {}] },
    { title: 'everybody’s choice, beside one of some clients', before: [{}], groups: [{ ...CLIENT, ...REFUSED }, {}] },
  ])('goes: $title', ({ before, groups }) => {
    expect(asks(before.map(found), want(...groups.map(group)))).toBe(false);
  });

  test('is only what no plan of this agent has named', () => {
    expect(asks([found()], want(group(REFUSED)), ['shop/web/http/TCP'])).toBe(false);
  });
});
