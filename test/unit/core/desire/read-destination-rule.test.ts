import { describe, expect, test } from 'vitest';
import { complaintsOf, objectOf, read } from '../../../helpers/reading.ts';

const rule = (spec: object = {}, version = 'v1') => ({
  apiVersion: `networking.istio.io/${version}`,
  kind: 'DestinationRule',
  metadata: { name: 'cart', namespace: 'shop', creationTimestamp: '2026-11-22T22:51:17Z', generation: 2 },
  spec: { host: 'cart', ...spec },
});

const balanced = (loadBalancer: object) => rule({ trafficPolicy: { loadBalancer } });
const BALANCER = 'spec.trafficPolicy.loadBalancer';

describe('a DestinationRule', () => {
  test.each(['v1', 'v1beta1', 'v1alpha3'])('of %s is read as a policy for its host', (version) => {
    expect(objectOf(rule({}, version))).toEqual({
      kind: 'DestinationRule',
      namespace: 'shop',
      name: 'cart',
      createdAtMs: Date.UTC(2026, 10, 22, 22, 51, 17),
      generation: 2,
      services: ['cart'],
      routes: [],
      algorithm: undefined,
      hashOn: 'Pod',
      endpointWeights: [],
      slowStartMs: 0,
      clients: undefined,
      ignored: [],
    });
  });

  test.each(['cart', 'cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local'])('may call its host %s', (host) => {
    expect(objectOf(rule({ host }))).toMatchObject({ services: ['cart'] });
  });

  test.each([
    'cart.other',
    'cart.other.svc.cluster.local',
    'cart.shop.svc.example.com',
    'cart.shop.example.com',
    'cart.svc',
    'cart.shop.',
    '*.shop.svc.cluster.local',
    '*',
    'Cart',
    '',
  ])('asks for nothing when its host is "%s"', (host) => {
    expect(read(rule({ host }))).toMatchObject({ outcome: 'nothing' });
    expect(complaintsOf(rule({ host }))).toEqual([
      `note spec.host: "${host}" is no Service of namespace shop: nothing is taken from the rule`,
    ]);
  });

  test.each([
    ['ROUND_ROBIN', 'RoundRobin'],
    ['LEAST_REQUEST', 'LeastConnections'],
    ['LEAST_CONN', 'LeastConnections'],
    ['RANDOM', 'WeightedRandom'],
  ])('%s is %s', (simple, algorithm) => {
    expect(objectOf(balanced({ simple }))).toMatchObject({ algorithm, ignored: [] });
  });

  test.each(['PASSTHROUGH', 'UNSPECIFIED', 'constructor'])('%s is left out', (simple) => {
    expect(objectOf(balanced({ simple }))).toMatchObject({ algorithm: undefined, ignored: [`${BALANCER}.simple`] });
  });

  test.each([
    ['by source', { useSourceIp: true }, 'Maglev', []],
    ['by nothing', { useSourceIp: false }, undefined, []],
    ['by a header', { httpHeaderName: 'a' }, undefined, [`${BALANCER}.consistentHash.httpHeaderName`]],
    [
      'by source in a ring',
      { useSourceIp: true, ringHash: {}, minimumRingSize: 1 },
      'Maglev',
      [`${BALANCER}.consistentHash.ringHash`, `${BALANCER}.consistentHash.minimumRingSize`],
    ],
  ])('hashes consistently %s', (_, consistentHash, algorithm, ignored) => {
    expect(objectOf(balanced({ consistentHash }))).toMatchObject({
      algorithm,
      hashOn: algorithm === 'Maglev' ? 'SourceAddress' : 'Pod',
      ignored,
    });
  });

  test.each([
    ['for a time', { warmup: { duration: '5m' } }, 300_000, []],
    ['as Istio writes it', { warmup: { duration: '90s', minimumPercent: 10, aggression: 1 } }, 90_000, []],
    [
      'in a curve of another shape',
      { warmup: { duration: '1m30s', minimumPercent: 20, aggression: 2 } },
      90_000,
      [`${BALANCER}.warmup.minimumPercent`, `${BALANCER}.warmup.aggression`],
    ],
    ['by its older name', { warmupDurationSecs: '7.5s' }, 7500, []],
    [
      'by both names',
      { warmup: { duration: '20s' }, warmupDurationSecs: '30s' },
      20_000,
      [`${BALANCER}.warmupDurationSecs`],
    ],
    ['by its older name, in a line', { warmup: { aggression: 1 }, warmupDurationSecs: '30s' }, 30_000, []],
    ['too long', { warmup: { duration: '61m' } }, 0, [`${BALANCER}.warmup.duration`]],
    ['too short', { warmupDurationSecs: '4999ms' }, 0, [`${BALANCER}.warmupDurationSecs`]],
  ])('starts slowly %s', (_, loadBalancer, slowStartMs, ignored) => {
    expect(objectOf(balanced(loadBalancer))).toMatchObject({ slowStartMs, ignored });
  });

  test('says what else it has', () => {
    const raw = rule({
      subsets: [{ name: 'v1' }],
      trafficPolicy: {
        connectionPool: { tcp: { maxConnections: 5 } },
        outlierDetection: {},
        tls: { mode: 'ISTIO_MUTUAL' },
        portLevelSettings: [],
        loadBalancer: { localityLbSetting: {}, simple: 'RANDOM', consistentHash: { useSourceIp: true } },
      },
      exportTo: ['*'],
    });
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toMatchObject({
      algorithm: 'Maglev',
      ignored: [
        'spec.subsets',
        'spec.exportTo',
        'spec.trafficPolicy.connectionPool',
        'spec.trafficPolicy.outlierDetection',
        'spec.trafficPolicy.tls',
        'spec.trafficPolicy.portLevelSettings',
        `${BALANCER}.localityLbSetting`,
        `${BALANCER}.simple`,
      ],
    });
  });

  test.each([
    ['for some workloads', { workloadSelector: { matchLabels: { app: 'a' } } }, 'spec.workloadSelector'],
    ['for its own namespace', { exportTo: ['.'] }, 'spec.exportTo'],
  ])('that is only %s is not in force for all', (_, spec, path) => {
    const raw = rule({ trafficPolicy: { loadBalancer: { simple: 'RANDOM', warmupDurationSecs: '9s' } }, ...spec });
    expect(objectOf(raw)).toMatchObject({
      algorithm: undefined,
      slowStartMs: 0,
      ignored: ['spec.trafficPolicy', path],
    });
  });

  test.each([
    ['a host that is a list', rule({ host: [] }), 'spec.host: must be a string, is []'],
    ['a policy that is a text', rule({ trafficPolicy: 'a' }), 'spec.trafficPolicy: must be an object, is "a"'],
    ['an algorithm that is a number', balanced({ simple: 1 }), `${BALANCER}.simple: must be a string, is 1`],
    [
      'a time that is none',
      balanced({ warmup: { duration: '5 minutes' } }),
      `${BALANCER}.warmup.duration: must be a duration such as "30s", is "5 minutes"`,
    ],
  ])('with %s is rejected', (_, raw, complaint) => {
    expect(read(raw).outcome).toBe('rejected');
    expect(complaintsOf(raw)).toContain(`error ${complaint}`);
  });
});
