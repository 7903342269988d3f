import { describe, expect, test } from 'vitest';
import { type Plan, renderPlan } from '../../../src/cli/plan.ts';
import { plain } from '../../../src/cli/style.ts';
import type {
  ClusterObject,
  Complaint,
  LabelRequirement,
  LabelSelector,
  Origin,
  TrafficPolicyObject,
} from '../../../src/core/model/objects.ts';
import { readOnce } from '../../../src/sources/file.ts';
import { endpoint, NOT_READY, pod, policy, service, slice } from '../../helpers/objects.ts';
import { destinationRule, narrowed, route } from '../../helpers/route-objects.ts';
import { shunt } from './harness.ts';

const FIXTURE = new URL('../../fixtures/cluster.yaml', import.meta.url).pathname;

/** Where the second of two Services that want one address stands. */
const originOf = (object: string): Origin | undefined =>
  object === 'Service shop/rival' ? { file: 'rival.yaml', line: 3 } : undefined;

const parts = (objects: readonly ClusterObject[], complaints: readonly Complaint[] = []) => ({
  parts: { readObjects: async () => ({ objects, complaints, originOf }) },
});

const ERROR: Complaint = {
  severity: 'error',
  object: 'Service shop/web',
  path: 'spec.ports[0].port',
  message: 'must be 1 to 65535',
  origin: { file: 'web.yaml', line: 7 },
};

const selector = (...matchExpressions: readonly LabelRequirement[]): LabelSelector => ({
  matchLabels: {},
  matchExpressions,
});

const web = [service(), slice([endpoint('10.244.0.1'), endpoint('10.244.0.2')])];

describe('shunt plan', () => {
  test('shows each address with its backends and their shares', async () => {
    const { status, stdout } = await shunt(['plan', '--source', 'file:x'], parts(web));
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        'SERVICE PORT       ADDRESS       CHOICE          BACKEND          SHARE',
        'shop/web/http/TCP  10.96.0.1:80  WeightedRandom  10.244.0.1:8080   50 %',
        '                                                 10.244.0.2:8080   50 %',
        '',
        '1 Service port, 1 address, 2 backends, 0 errors, 0 warnings, 0 notes',
        '',
      ].join('\n'),
    );
  });

  test.each([
    { weight: 3, says: ['10.244.0.1:8080   75 %', '10.244.0.2:8080   25 %'] },
    { weight: 0, says: ['10.244.0.2:8080  100 %'] },
  ])('shows the shares that a policy with weight $weight gives', async ({ weight, says }) => {
    const endpoints = [endpoint('10.244.0.1', { pod: 'canary' }), endpoint('10.244.0.2')];
    const objects = [service(), slice(endpoints), policy([{ pod: 'canary', weight }])];
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(stdout.match(/\S+:8080 .*%$/gm)).toEqual(says);
  });

  test('shows what each backend of a route gets, and which share is refused', async () => {
    const v1 = [
      service({ name: 'v1', headless: true, clusterIPs: [] }),
      slice([endpoint('10.244.1.1'), endpoint('10.244.1.2')], { name: 'v1-1', service: 'v1' }),
    ];
    const split = route([{ name: 'v1', weight: 3 }, { name: 'gone' }]);
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts([...web, ...v1, split]));
    expect(stdout).toContain(
      [
        'SERVICE PORT       ADDRESS       CHOICE          BACKEND                         SHARE',
        'shop/web/http/TCP  10.96.0.1:80                  refused: shop/gone:80            25 %',
        '                                 WeightedRandom  10.244.1.1:8080 of shop/v1:80  37.5 %',
        '                                                 10.244.1.2:8080 of shop/v1:80  37.5 %',
        '',
      ].join('\n'),
    );
    expect(stdout).toContain('1 Service port, 1 address, 2 backends, ');
  });

  test.each<{ asked: Partial<TrafficPolicyObject>; says: string }>([
    { asked: { algorithm: 'LeastConnections' }, says: 'LeastConnections' },
    { asked: { algorithm: 'Maglev', hashOn: 'SourceAddress' }, says: 'Maglev of SourceAddress' },
    { asked: { algorithm: 'Maglev' }, says: 'Maglev of Pod' },
  ])('shows how endpoints are chosen: $says', async ({ asked, says }) => {
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts([...web, policy([], asked)]));
    expect(stdout).toContain(`10.96.0.1:80  ${says}  10.244.0.1:8080   50 %`);
  });

  const v2 = [
    service({ name: 'v2', clusterIPs: ['10.96.0.2'] }),
    slice([endpoint('10.244.2.1')], { name: 'v2-1', service: 'v2' }),
  ];
  const own = [service(), slice([endpoint('10.244.0.1')])];
  const atWeb = (text: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('shop/web') || line.startsWith(' '))
      .map((line) => line.slice('shop/web/http/TCP  '.length).replaceAll(/ +/g, ' ').trim());

  test('shows what clients get for whom there is a choice of their own, though no Pod is among the objects', async () => {
    const objects = [
      ...own,
      ...v2,
      route([{ name: 'v2' }], { name: 'canary' }),
      narrowed({ ring: 'testers' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'canary' }] }),
      narrowed({ ring: 'turns' }, { name: 'turns', algorithm: 'RoundRobin' }),
      route([{ name: 'gone' }], { name: 'theirs', namespace: 'checkout' }),
    ];
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(stdout).toMatch(/^SERVICE PORT +ADDRESS +CLIENTS +CHOICE +BACKEND +SHARE$/m);
    expect(atWeb(stdout)).toEqual([
      '10.96.0.1:80 all WeightedRandom 10.244.0.1:8080 100 %',
      '10.96.0.1:80 namespace checkout refused: shop/gone:80 100 %',
      '10.96.0.1:80 ring=testers WeightedRandom 10.244.2.1:8080 of shop/v2:80 100 %',
      '10.96.0.1:80 ring=turns RoundRobin 10.244.0.1:8080 of shop/web:80@turns 100 %',
    ]);
    expect(stdout).toContain('2 Service ports, 2 addresses, 3 backends, ');
  });

  test('shows what only a Pod of the node gets, which has the labels of several', async () => {
    const objects = [
      ...own,
      ...v2,
      route([{ name: 'web' }, { name: 'v2' }]),
      narrowed({ ring: 'a' }, { name: 'a', algorithm: 'RoundRobin' }),
      narrowed({ tier: 'x' }, { name: 'x', services: ['v2'], algorithm: 'PeakEwma' }),
      pod({ name: 'both', node: 'here', labels: { ring: 'a', tier: 'x' } }),
    ];
    const clientsAt = async (node: string): Promise<readonly string[]> => {
      const argv = ['plan', '--source', 'file:x', '--node-name', node, '-o', 'json'];
      const { ports } = JSON.parse((await shunt(argv, parts(objects))).stdout) as Plan;
      const port = ports.find(({ id }) => id === 'shop/web/http/TCP');
      return port?.groups.flatMap(({ clients }) => clients ?? []).sort() ?? [];
    };
    expect(await clientsAt('here')).toEqual(['ring=a', 'ring=a, tier=x', 'tier=x']);
    expect(await clientsAt('there')).toEqual(['ring=a', 'tier=x']);
  });

  test('says why clients with a choice of their own are refused, with -o json too', async () => {
    const objects = [...own, { ...narrowed({ tier: 'x' }), endpointWeights: [{ weight: 0 }] }];
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(atWeb(stdout)).toContain('10.96.0.1:80 tier=x refused: all drained');
    const json = await shunt(['plan', '--source', 'file:x', '-o', 'json'], parts(objects));
    const { ports, refusals } = JSON.parse(json.stdout) as Plan;
    const apart = ports[0]?.groups.find(({ clients }) => clients === 'tier=x');
    expect(refusals).toEqual([
      { id: 'shop/web/http/TCP', family: 4, kind: 'cluster', variant: apart?.variant, reason: 'every weight is 0' },
    ]);
  });

  test.each<{ why: string; clients: LabelSelector; shown: boolean }>([
    { why: 'a set', clients: selector({ key: 'ring', operator: 'In', values: ['b', 'a'] }), shown: true },
    { why: 'a label that is there', clients: selector({ key: 'ring', operator: 'Exists', values: [] }), shown: true },
    { why: 'none of a set', clients: selector({ key: 'ring', operator: 'NotIn', values: ['a'] }), shown: true },
    { why: 'no such label', clients: selector({ key: 'ring', operator: 'DoesNotExist', values: [] }), shown: true },
    { why: 'every Pod', clients: selector(), shown: true },
    {
      why: 'what nothing can be',
      clients: selector(
        { key: 'ring', operator: 'Exists', values: [] },
        { key: 'ring', operator: 'DoesNotExist', values: [] },
      ),
      shown: false,
    },
  ])('knows clients that are asked for by $why: $shown', async ({ clients, shown }) => {
    const objects = [...own, policy([], { algorithm: 'RoundRobin', clients })];
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(stdout.includes('RoundRobin')).toBe(shown);
  });

  test('says of parents and targets that are not there', async () => {
    const objects = [route([]), destinationRule({ services: ['gone'] })];
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(stdout).toContain('TCPRoute shop/split spec.parentRefs[0].name: there is no Service shop/web');
    expect(stdout).toContain('DestinationRule shop/rule spec.host: there is no Service shop/gone');
  });

  const unnamed = [{ name: '', protocol: 'TCP', port: 80, nodePort: 0 }] as const;
  test.each<{ why: string; objects: readonly ClusterObject[] }>([
    { why: 'no EndpointSlice', objects: [service()] },
    { why: 'no endpoint', objects: [service(), slice([])] },
    { why: 'none ready', objects: [service(), slice([endpoint('10.244.0.1', NOT_READY)])] },
    { why: 'its route has no backend with a weight', objects: [...web, route([{ name: 'web', weight: 0 }])] },
    { why: 'all drained', objects: [...web, policy([{ weight: 0 }])] },
    { why: 'no slice has port http/TCP', objects: [service(), slice([endpoint('10.244.0.1')], { ports: unnamed })] },
    {
      why: 'no slice has an unnamed TCP port',
      objects: [service({ ports: unnamed }), slice([endpoint('10.244.0.1')])],
    },
    { why: 'no IPv4 endpoint', objects: [service(), slice([endpoint('fd00:1::1')], { family: 6 })] },
    {
      why: 'none on this node',
      objects: [service({ internalTrafficPolicy: 'Local' }), slice([endpoint('10.244.0.1', { node: 'other' })])],
    },
  ])('says why a Service refuses: $why', async ({ why, objects }) => {
    const { stdout } = await shunt(['plan', '--source', 'file:x', '--node-name', 'here'], parts(objects));
    expect(stdout.match(/10\.96\.0\.1:80 +(refused: .*)$/m)?.[1]).toBe(`refused: ${why}`);
  });

  test('says why each family refuses, with -o json too', async () => {
    const objects = [service({ clusterIPs: ['10.96.0.1', 'fd00:96::1'] }), slice([endpoint('10.244.0.1', NOT_READY)])];
    const { stdout } = await shunt(['plan', '--source', 'file:x', '-o', 'json'], parts(objects));
    expect((JSON.parse(stdout) as Plan).refusals).toEqual([
      { id: 'shop/web/http/TCP', family: 4, kind: 'cluster', reason: 'no endpoint ready' },
      { id: 'shop/web/http/TCP', family: 6, kind: 'cluster', reason: 'no endpoint of that family' },
    ]);
  });

  test('warns of a policy whose target is not there, and not of a slice whose Service is not there', async () => {
    const objects = [
      ...web,
      policy([{ weight: 2 }], { services: ['web', 'wbe'] }),
      policy([], { name: 'turns', services: ['wbe'], algorithm: 'RoundRobin' }),
      slice([endpoint('10.244.0.9')], { name: 'later-1', service: 'later' }),
    ];
    const { status, stdout } = await shunt(['plan', '--source', 'file:x'], parts(objects));
    expect(status).toBe(0);
    expect(stdout.match(/^(?:error|warning|note): .*$/gm)).toEqual([
      'warning: TrafficPolicy shop/turns spec.targetRefs[0].name: there is no Service shop/wbe',
      'warning: TrafficPolicy shop/weights spec.targetRefs[1].name: there is no Service shop/wbe: nothing is weighed',
    ]);
  });

  test('prints complaints as compilers do, errors first, and fails', async () => {
    const note: Complaint = { severity: 'note', object: 'Service shop/db', path: '', message: 'headless' };
    const { status, stdout } = await shunt(['plan', '--source', 'file:x'], parts([], [note, ERROR]));
    expect(status).toBe(1);
    expect(stdout).toBe(
      [
        'web.yaml:7: error: Service shop/web spec.ports[0].port: must be 1 to 65535',
        'note: Service shop/db: headless',
        '',
        '0 Service ports, 0 addresses, 0 backends, 1 error, 0 warnings, 1 note',
        '',
      ].join('\n'),
    );
  });

  test('names a file that cannot be read once', async () => {
    const about = { object: 'web.yaml', path: '', message: 'not YAML: no' };
    const { stdout } = await shunt(['plan', '--source', 'file:x'], parts([], [{ ...ERROR, ...about }]));
    expect(stdout).toMatch(/^web\.yaml:7: error: not YAML: no$/m);
  });

  test.each<{ severity: Complaint['severity']; strict: boolean; status: number }>([
    { severity: 'warning', strict: false, status: 0 },
    { severity: 'warning', strict: true, status: 1 },
    { severity: 'note', strict: true, status: 0 },
    { severity: 'error', strict: true, status: 1 },
  ])('exits with $status for each $severity, strict: $strict', async ({ severity, strict, status }) => {
    const argv = ['plan', '--source', 'file:x', ...(strict ? ['--strict'] : [])];
    expect((await shunt(argv, parts(web, [{ ...ERROR, severity }]))).status).toBe(status);
  });

  test('fails with --strict for a warning that follows from several objects', async () => {
    const objects = [...web, policy([], { name: 'turns', services: ['wbe'], algorithm: 'RoundRobin' })];
    expect((await shunt(['plan', '--source', 'file:x', '--strict'], parts(objects))).status).toBe(1);
  });

  test('gives an address that two Services want to the older one, and says so', async () => {
    const rival = service({ name: 'rival', createdAtMs: 5 });
    const { stdout } = await shunt(['plan', '--source', 'file:x', '-o', 'json'], parts([rival, ...web]));
    const { ports, complaints } = JSON.parse(stdout) as Plan;
    expect(ports.map(({ id }) => id)).toEqual(['shop/web/http/TCP']);
    expect(complaints).toMatchObject([
      { severity: 'warning', object: 'Service shop/rival', origin: { file: 'rival.yaml', line: 3 } },
    ]);
  });

  test('sees the node that it is told to see', async () => {
    const objects = [
      service({ internalTrafficPolicy: 'Local' }),
      slice([endpoint('10.244.0.1', { node: 'a' }), endpoint('10.244.0.2', { node: 'b' })]),
    ];
    const { stdout } = await shunt(['plan', '--source', 'file:x', '--node-name', 'b', '-o', 'json'], parts(objects));
    const [port] = (JSON.parse(stdout) as Plan).ports;
    expect(port?.groups[0]?.endpoints).toEqual([{ address: '10.244.0.2', port: 8080, weight: 1 }]);
  });

  test('takes an export of a cluster as it is', async () => {
    const { status, stdout } = await shunt(['plan', '--source', `file:${FIXTURE}`], {
      parts: { readObjects: readOnce },
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^shop\/idle\/http\/TCP +10\.96\.0\.9:80 +refused: no endpoint$/m);
    expect(stdout).toMatch(/cluster\.yaml:\d+: warning: Service /);
    expect(stdout.match(/^(?:error|warning|note): .*/m)).toBeNull();
    expect(stdout).toMatch(/^12 Service ports, .* 0 errors, 1 warning, 4 notes$/m);
  });

  test('fits a terminal', () => {
    const ports = [
      { id: 'x'.repeat(80), protocol: 'TCP', port: 80, affinityTimeoutS: 0, groups: [], closed: [] },
    ] as const;
    const group = {
      family: 4,
      kind: 'cluster',
      port: 80,
      addresses: ['10.96.0.1'],
      scope: 'cluster',
      endpoints: [],
    } as const;
    const refusal = { id: ports[0].id, family: 4, kind: 'cluster', reason: 'no endpoint' } as const;
    const text = renderPlan(
      { ports: [{ ...ports[0], groups: [group] }], refusals: [refusal], complaints: [] },
      plain,
      60,
    );
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(0, 2)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(60);
  });
});

describe('shunt explain --source', () => {
  test('explains from objects alone, without an agent', async () => {
    const argv = ['explain', '--source', 'file:x', '10.96.0.1:80'];
    const { status, stdout } = await shunt(argv, parts(web));
    expect(status).toBe(0);
    expect(stdout).toContain('shop/web');
    expect(stdout).toContain('10.244.0.2:8080');
    expect(stdout.endsWith('\n')).toBe(true);
  });

  test('with -o json gives the decision as data', async () => {
    const argv = ['explain', '--source', 'file:x', '10.96.0.1:80', '-o', 'json'];
    expect(JSON.parse((await shunt(argv, parts(web))).stdout)).toMatchObject({ outcome: 'sent', service: 'shop/web' });
  });

  test('says on standard error which objects it had to do without', async () => {
    const argv = ['explain', '--source', 'file:x', '10.96.0.1:80', '-o', 'json'];
    const { status, stdout, stderr } = await shunt(argv, parts(web, [{ ...ERROR, severity: 'warning' }, ERROR]));
    expect({ status, outcome: JSON.parse(stdout).outcome }).toEqual({ status: 0, outcome: 'sent' });
    expect(stderr).toBe('web.yaml:7: error: Service shop/web spec.ports[0].port: must be 1 to 65535\n');
  });

  test('says that nobody owns an address', async () => {
    const argv = ['explain', '--source', 'file:x', '10.96.9.9:80', '-o', 'json'];
    expect(JSON.parse((await shunt(argv, parts(web))).stdout)).toMatchObject({ outcome: 'left alone' });
  });
});
