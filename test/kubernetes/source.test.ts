import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import type { NewObject } from '../helpers/api-server/resources.ts';
import { manifestOf } from '../helpers/object-directory.ts';
import { backend, endpoint, node, pod, policy, route, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { OBJECTS, openCluster, openFollowed } from './cluster-scene.ts';
import { SYNC_MODES } from './mirror.ts';

const isTrouble = (line: string): boolean => line.startsWith('trouble');

describe.each(SYNC_MODES)('with a %s, the source', (sync) => {
  test('tells every object of its cluster once, as it reads it, and then that this is all', async () => {
    await using scene = await openFollowed(sync);
    const { told, whole, complaints } = scene.mirror;
    expect(told.slice(0, -1).toSorted()).toEqual([
      'put EndpointSlice shop/cart-1',
      'put EndpointSlice shop/web-1',
      'put Node /node-a',
      'put Pod shop/web-0',
      'put Service shop/cart',
      'put Service shop/web',
      'put TrafficPolicy shop/weights',
    ]);
    expect({ last: told.at(-1), whole, complaints }).toEqual({ last: 'synced', whole: true, complaints: [] });
  });

  test('follows every resource, and asks for each over one connection', async () => {
    await using scene = await openFollowed(sync);
    await retryUntil(() => scene.server.watches() === 5);
    scene.put(
      service({ ports: [{ name: 'http', protocol: 'TCP', port: 81 }] }),
      slice([endpoint('10.1.0.9')]),
      node({ zone: 'b' }),
      pod({ addresses: ['10.1.0.7'] }),
      policy([{ weight: 0 }]),
    );
    await scene.mirror.equal();
    expect(scene.server.connections.total).toBeLessThanOrEqual(resourcesFor('node-a').length);
    const asked = new Set(scene.server.requests.map(({ resource }) => resource));
    expect([...asked].toSorted()).toEqual(
      resourcesFor('node-a')
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  test('reads its own Node, its own Pods and no slice of a headless Service', async () => {
    await using scene = await openFollowed(sync);
    const headless = manifestOf(slice([endpoint('10.1.0.4')], { name: 'headless', service: 'h' })) as NewObject;
    const labels = { ...headless.metadata.labels, 'service.kubernetes.io/headless': '' };
    scene.server.store.put('endpointslices', { ...headless, metadata: { ...headless.metadata, labels } });
    scene.put(node({ name: 'node-b' }), pod({ name: 'elsewhere', node: 'node-b' }), service({ name: 'last' }));
    await scene.mirror.equal();
    expect(scene.mirror.told.filter((line) => /node-b|elsewhere|headless/.test(line))).toEqual([]);
    const parameters = (resource: string) =>
      scene.server.requests.find((each) => each.resource === resource)?.parameters;
    expect(parameters('nodes')).toMatchObject({ fieldSelector: 'metadata.name=node-a' });
    expect(parameters('pods')).toMatchObject({ fieldSelector: 'spec.nodeName=node-a' });
    expect(parameters('endpointslices')).toMatchObject({ labelSelector: '!service.kubernetes.io/headless' });
  });

  test('says that this is all only when it was all of every resource', async () => {
    await using scene = await openCluster(sync, { timing: { stallMs: 60_000 } });
    scene.server.faults.push({ resource: 'endpointslices', on: 'sync', after: 1, trouble: { kind: 'stall' } });
    await scene.mirror.start();
    // An item of a list is told when the next one begins.
    await retryUntil(() => scene.mirror.objects.size >= 5);
    await sleep(100);
    expect(scene.mirror.told).not.toContain('synced');
    expect(scene.mirror.whole).toBe(false);
    scene.server.disturb({ kind: 'reset' }, 'endpointslices');
    await scene.server.down();
    await scene.server.up();
    await retryUntil(() => scene.mirror.synced);
    await scene.mirror.equal();
    expect(scene.mirror.whole).toBe(true);
  });

  test('takes nothing back while the server is away, and says so once', async () => {
    await using scene = await openFollowed(sync);
    const from = scene.mirror.told.length;
    await scene.server.down();
    await sleep(300);
    expect(scene.mirror.told.slice(from).filter((line) => !isTrouble(line))).toEqual([]);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_UNREACHABLE' });
    scene.put(slice([endpoint('10.1.0.9')]));
    await scene.server.up();
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.trouble === undefined);
    expect(scene.mirror.told.slice(from)).toContain('put EndpointSlice shop/web-1');
    expect(scene.mirror.told.slice(from).filter((line) => line.startsWith('delete'))).toEqual([]);
  });

  test('does without TrafficPolicies that are not installed, finds them later, and loses them again', async () => {
    await using scene = await openCluster(sync, { server: { missing: ['trafficpolicies'] } });
    scene.server.store.drop('trafficpolicies');
    await scene.mirror.followed();
    expect(scene.mirror).toMatchObject({ whole: true, trouble: undefined });
    scene.server.behaviour.missing = [];
    scene.put(policy([{ weight: 7 }]));
    await scene.mirror.equal();
    expect(scene.mirror.told.at(-1)).toBe('put TrafficPolicy shop/weights');
    scene.server.store.drop('trafficpolicies');
    scene.server.behaviour.missing = ['trafficpolicies'];
    scene.server.disturb({ kind: 'end' }, 'trafficpolicies');
    await scene.mirror.equal();
    expect(scene.mirror.told.at(-1)).toBe('delete TrafficPolicy shop/weights');
    expect(scene.mirror.told.filter(isTrouble)).toEqual([]);
  });

  test('keeps TrafficPolicies when their path is not found once, as at a server that is starting', async () => {
    await using scene = await openFollowed(sync);
    scene.server.faults.push({ resource: 'trafficpolicies', trouble: { kind: 'status', status: 404 } });
    scene.server.disturb({ kind: 'end' }, 'trafficpolicies');
    scene.put(policy([{ weight: 5 }], { name: 'other', services: ['cart'] }));
    await scene.mirror.equal();
    expect(scene.server.faults).toEqual([]);
    expect(scene.mirror.told.filter((line) => line.startsWith('delete'))).toEqual([]);
  });

  test('keeps the last good state of an object that can no longer be read, and complains', async () => {
    await using scene = await openFollowed(sync);
    const broken = manifestOf(service({ ports: [{ name: 'http', protocol: 'TCP', port: 99_999 }] })) as NewObject;
    scene.server.store.put('services', broken);
    await retryUntil(() => scene.mirror.complaints.length > 0);
    expect(scene.mirror.complaints).toMatchObject([{ severity: 'error', object: 'Service shop/web' }]);
    expect(scene.mirror.objects.get('Service shop/web')).toMatchObject({ ports: [{ port: 80 }] });
    expect(scene.mirror.whole).toBe(true);
    scene.put(service({ ports: [{ name: 'http', protocol: 'TCP', port: 82 }] }));
    await scene.mirror.equal();
    expect(scene.mirror.complaints).toEqual([]);
  });

  test.each([
    { resource: 'services', spec: { ports: 'none' } },
    { resource: 'endpointslices', addressType: 'IPv4', endpoints: 'none' },
  ] as const)('has not the whole while one of the $resource never could be read', async ({ resource, ...fields }) => {
    await using scene = await openCluster(sync);
    scene.server.store.put(resource, { metadata: { name: 'odd', namespace: 'shop' }, ...fields });
    await scene.mirror.followed();
    expect(scene.mirror.complaints[0]).toMatchObject({
      severity: 'error',
      object: expect.stringContaining('shop/odd'),
    });
    expect(scene.mirror.whole).toBe(false);
    scene.server.store.delete(resource, 'shop/odd');
    await retryUntil(() => scene.mirror.whole);
  });

  test('has the whole though a policy never could be read: whoever may write one holds nothing else up', async () => {
    await using scene = await openCluster(sync);
    scene.server.store.put('trafficpolicies', {
      metadata: { name: 'odd', namespace: 'shop' },
      spec: { weights: 'none' },
    });
    await scene.mirror.followed();
    expect(scene.mirror.complaints[0]).toMatchObject({ severity: 'error', object: 'TrafficPolicy shop/odd' });
    expect(scene.mirror.whole).toBe(true);
  });

  test('has the whole for good once it had it: a Service that comes later and cannot be read is no reason', async () => {
    await using scene = await openFollowed(sync);
    scene.server.store.put('services', { metadata: { name: 'odd', namespace: 'shop' }, spec: { ports: 'none' } });
    await retryUntil(() => scene.mirror.complaints.length > 0);
    expect(scene.mirror.whole).toBe(true);
  });

  test('is read without the Pods, which it may not list, and says so', async () => {
    const forbidden = [
      { resource: 'pods', verb: 'list' },
      { resource: 'pods', verb: 'watch' },
    ] as const;
    await using scene = await openCluster(sync, { server: { forbidden } });
    await scene.mirror.start();
    await retryUntil(() => scene.mirror.synced && scene.mirror.trouble !== undefined);
    expect(scene.mirror.whole).toBe(true);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_FORBIDDEN' });
    scene.server.behaviour.forbidden = [];
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.trouble === undefined);
  });

  test.each([
    { resource: 'grpcroutes', version: 'v1alpha2' },
    { resource: 'httproutes', version: 'v1beta1' },
  ] as const)(
    'reads $resource where a release of long ago serves them as $version alone',
    async ({ resource, version }) => {
      await using scene = await openCluster(sync, { server: { served: { [resource]: [version] } } });
      await scene.mirror.start();
      const watch = () => scene.source.watches?.().find((each) => each.resource === resource);
      await retryUntil(() => watch()?.apiVersion === `gateway.networking.k8s.io/${version}`);
    },
  );

  const withoutGrants = (namespace: string, grantsWaitMs: number) => {
    const forbidden = [
      { resource: 'referencegrants', verb: 'list' },
      { resource: 'referencegrants', verb: 'watch' },
    ] as const;
    const served = { tcproutes: ['v1'], referencegrants: ['v1beta1'] };
    const objects = [...OBJECTS, route({ backends: [backend('web', { namespace })] })];
    return openCluster(sync, { objects, server: { forbidden, served }, grantsWaitMs });
  };
  const GRANTS_UNKNOWN = [{ severity: 'warning', object: 'ReferenceGrants' }];

  test.each([
    { what: 'its own namespace', namespace: 'shop', synced: true },
    { what: 'another one', namespace: 'stock', synced: false },
  ])('without the right to read ReferenceGrants, and with a backend in $what: read at once is $synced', async (row) => {
    await using scene = await withoutGrants(row.namespace, 60_000);
    await scene.mirror.start();
    const refusals = () => scene.server.requests.filter(({ status }) => status === 403).length;
    await retryUntil(() => scene.mirror.synced || refusals() > 10);
    expect(scene.mirror.synced).toBe(row.synced);
    expect(scene.mirror.complaints).toMatchObject(row.synced ? [] : GRANTS_UNKNOWN);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_FORBIDDEN' });
    scene.server.behaviour.forbidden = [];
    await retryUntil(() => scene.mirror.synced && scene.mirror.complaints.length === 0);
  });

  test('goes on after a while without ReferenceGrants that it may not read, though a route needs one, and says so', async () => {
    await using scene = await withoutGrants('stock', 300);
    await scene.mirror.start();
    await retryUntil(() => scene.mirror.synced);
    expect(scene.mirror.whole).toBe(true);
    expect(scene.mirror.complaints).toMatchObject(GRANTS_UNKNOWN);
    scene.server.behaviour.forbidden = [];
    await retryUntil(() => scene.mirror.complaints.length === 0 && scene.mirror.trouble === undefined);
  });

  test('says which Node is missing, until it is there', async () => {
    await using scene = await openCluster(sync, { objects: [service()] });
    await scene.mirror.followed();
    await retryUntil(() => scene.mirror.trouble !== undefined);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_NODE_UNKNOWN' });
    expect(scene.mirror.trouble?.message).toContain('node-a');
    scene.put(node());
    await retryUntil(() => scene.mirror.trouble === undefined);
  });

  test.each([
    { resource: 'services', verb: 'watch', group: '' },
    { resource: 'endpointslices', verb: 'list', group: 'discovery.k8s.io' },
    { resource: 'endpointslices', verb: 'watch', group: 'discovery.k8s.io' },
    { resource: 'pods', verb: 'watch', group: '' },
    { resource: 'trafficpolicies', verb: 'list', group: 'shunt.dev' },
  ] as const)('says what its role lacks: $verb of $resource', async ({ resource, verb, group }) => {
    // Initial events come by a watch: `list` is asked for where there are none.
    const watchList = verb === 'list' ? 422 : 'on';
    await using scene = await openCluster(sync, { server: { forbidden: [{ resource, verb }], watchList } });
    await scene.mirror.start();
    await retryUntil(() => scene.mirror.trouble !== undefined);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_FORBIDDEN' });
    for (const word of [resource, group, verb]) expect(scene.mirror.trouble?.message).toContain(word);
    scene.server.behaviour.forbidden = [];
    await retryUntil(() => scene.mirror.synced && scene.mirror.trouble === undefined);
    await scene.mirror.equal();
  });
});

describe.each(SYNC_MODES)('with a %s, credentials', (sync) => {
  test('that are replaced in time are used from then on, without a word', async () => {
    await using scene = await openFollowed(sync, { server: { tokens: ['first', 'second'] } });
    scene.token('second');
    scene.server.behaviour.tokens = ['second'];
    await retryUntil(() => scene.server.watches() === 5);
    scene.server.requests.length = 0;
    scene.server.disturb({ kind: 'end' });
    scene.put(service({ affinityTimeoutS: 100 }));
    await scene.mirror.equal();
    await retryUntil(() => scene.server.watches() === 5);
    expect(scene.mirror.told.filter(isTrouble)).toEqual([]);
    // Whoever was refused first has read the file anew for all; those that asked at the same time were refused, too.
    const watches = scene.server.requests.filter(({ kind }) => kind === 'watch');
    expect(watches.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
    expect(watches.filter(({ status, token }) => status === 200 && token === 'second')).toHaveLength(5);
  });

  test('that are refused are a trouble, until the file has better ones', async () => {
    await using scene = await openFollowed(sync);
    scene.server.behaviour.tokens = ['second'];
    scene.server.disturb({ kind: 'end' });
    await retryUntil(() => scene.mirror.trouble !== undefined);
    expect(scene.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_UNAUTHORIZED' });
    scene.token('second\n');
    scene.put(service({ affinityTimeoutS: 7 }));
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.trouble === undefined);
  });

  test('of the server that nobody trusts are a trouble, until the file has the right ones', async () => {
    await using scene = await openFollowed(sync);
    await scene.server.down();
    scene.server.renewCertificate();
    await scene.server.up();
    await retryUntil(() => scene.mirror.trouble !== undefined && /TLS/.test(String(scene.mirror.told.at(-1))));
    scene.put(service({ affinityTimeoutS: 8 }));
    await sleep(100);
    expect(scene.mirror.objects.get('Service shop/web')).toMatchObject({ affinityTimeoutS: 0 });
    scene.trust();
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.trouble === undefined);
  });
});

describe.each(SYNC_MODES)('with a %s, a source that is stopped', (sync) => {
  test.each([
    { what: 'at once', wait: async () => {} },
    { what: 'while it reads', wait: () => sleep(3) },
    { what: 'while it watches', wait: () => sleep(150) },
  ])('$what leaves no connection and tells nothing more', async ({ wait }) => {
    await using scene = await openCluster(sync);
    await scene.mirror.start();
    await wait();
    await scene.source.stop();
    const told = scene.mirror.told.length;
    scene.put(service({ affinityTimeoutS: 5 }));
    await retryUntil(() => scene.server.connections.open === 0);
    await sleep(50);
    expect(scene.mirror.told).toHaveLength(told);
    expect(scene.server.connections.open).toBe(0);
  });
});
