import { describe, expect, test } from 'vitest';
import { type Plan, renderPlan } from '../../../src/cli/plan.ts';
import { plain } from '../../../src/cli/style.ts';
import type { ClusterObject, Complaint, Origin } from '../../../src/core/model/objects.ts';
import { readOnce } from '../../../src/sources/file.ts';
import { endpoint, NOT_READY, policy, service, slice } from '../../helpers/objects.ts';
import { destinationRule, route } from '../../helpers/route-objects.ts';
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

const web = [service(), slice([endpoint('10.244.0.1'), endpoint('10.244.0.2')])];

describe('shunt plan', () => {
  test('shows each address with its backends and their shares', async () => {
    const { status, stdout } = await shunt(['plan', '--source', 'file:x'], parts(web));
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        'SERVICE PORT       ADDRESS       BACKEND          SHARE',
        'shop/web/http/TCP  10.96.0.1:80  10.244.0.1:8080   50 %',
        '                                 10.244.0.2:8080   50 %',
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
        'SERVICE PORT       ADDRESS       BACKEND                         SHARE',
        'shop/web/http/TCP  10.96.0.1:80  refused: shop/gone:80            25 %',
        '                                 10.244.1.1:8080 of shop/v1:80  37.5 %',
        '                                 10.244.1.2:8080 of shop/v1:80  37.5 %',
        '',
      ].join('\n'),
    );
    expect(stdout).toContain('1 Service port, 1 address, 2 backends, ');
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

  test('does not fail for warnings', async () => {
    const { status } = await shunt(['plan', '--source', 'file:x'], parts(web, [{ ...ERROR, severity: 'warning' }]));
    expect(status).toBe(0);
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
