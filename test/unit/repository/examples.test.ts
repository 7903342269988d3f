import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readOnce } from '../../../src/sources/file.ts';
import { shunt } from '../cli/harness.ts';

const names = async (path: string): Promise<readonly string[]> =>
  (await readOnce(path)).objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).toSorted();

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));

test.each(files)('examples/%s is read without a complaint, and says what it is for', async (name) => {
  const { objects, complaints } = await readOnce(`examples/${name}`);
  expect(complaints).toEqual([]);
  expect(objects.length).toBeGreaterThan(0);
  expect(readFileSync(`examples/${name}`, 'utf8')).toMatch(/^# \w/);
});

const plan = (source: string, ...flags: readonly string[]) =>
  shunt(['plan', '--source', `file:${source}`, ...flags], { parts: { readObjects: readOnce } });

test.each(readdirSync('examples'))('examples/%s plans without an error or a warning', async (directory) => {
  const { status, stdout } = await plan(`examples/${directory}`, '--strict');
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining(' 0 errors, 0 warnings, ') });
});

test('examples/shares has a canary for all, without which its Service answers alone', async () => {
  expect(await names('examples/shares')).toEqual([
    'EndpointSlice shop/cart-1',
    'EndpointSlice shop/cart-v2-1',
    'Service shop/cart',
    'Service shop/cart-v2',
    'TCPRoute shop/cart-canary',
  ]);
  expect((await plan('examples/shares/services.yaml')).stdout).toMatch(/^shop\/cart\/.* 10\.244\.1\.2:8080 +100 %$/m);
  const { objects } = await readOnce('examples/shares');
  expect(objects.find(({ name }) => name === 'cart-canary')).toMatchObject({
    parents: [{ namespace: 'shop', name: 'cart', port: 80 }],
    backends: [
      { name: 'cart', weight: 95 },
      { name: 'cart-v2', weight: 5 },
    ],
    unsupported: '',
  });
});

test('examples/clients has a route for those of a namespace, and one for those with a label', async () => {
  const { objects } = await readOnce('examples/clients');
  const route = (namespace: string) =>
    objects.find((object) => object.kind === 'TCPRoute' && object.namespace === namespace);
  expect(route('preview')).toMatchObject({ parents: [{ namespace: 'shop', name: 'cart' }] });
  expect(route('shop')).toMatchObject({ name: 'cart-beta', narrowed: true });
  const policy = objects.find(({ kind }) => kind === 'TrafficPolicy');
  expect(policy).toMatchObject({ routes: [{ kind: 'TCPRoute', name: 'cart-beta' }], clients: expect.anything() });
  const asked = async (pod: string) => {
    const argv = ['explain', '--from', pod, '--source', 'file:examples/clients', '10.96.0.10:80', '-o', 'json'];
    const { arms, endpoints } = JSON.parse((await shunt(argv, { parts: { readObjects: readOnce } })).stdout);
    return arms?.map(({ id }: { id: string }) => id) ?? endpoints.map(({ pod }: { pod: string }) => pod);
  };
  expect(await asked('shop/web-beta')).toEqual(['shop/cart-v2:80']);
  expect(await asked('preview/web')).toEqual(['shop/cart:80', 'shop/cart-v2:80']);
  expect(await asked('shop/web')).toEqual(['cart-v1-7d9f']);
});

test('examples/same-node shows both ways to ask, and the way out', async () => {
  const { objects } = await readOnce('examples/same-node');
  const byName = new Map(objects.map((object) => [object.name, object]));
  expect(byName.get('cache-same-node')).toMatchObject({ services: ['cache'], sameNode: 'Redirect' });
  expect(['gateway', 'pricing', 'recorder'].map((name) => byName.get(name))).toMatchObject(
    ['redirect', 'redirect', 'plain'].map((sameNode) => ({ sameNode })),
  );
});

test('examples/algorithms shows how endpoints are chosen', async () => {
  const { objects } = await readOnce('examples/algorithms');
  const policies = objects.filter(({ kind }) => kind === 'TrafficPolicy');
  const byName = new Map(policies.map((policy) => [policy.name, policy]));
  expect(byName.get('orders')).toMatchObject({ algorithm: 'LeastConnections', slowStartMs: 60_000 });
  expect(byName.get('cache')).toMatchObject({ algorithm: 'Maglev', hashOn: 'Pod' });
  expect(byName.get('search')).toMatchObject({ algorithm: 'RoundRobin', clients: undefined });
  expect(byName.get('search-web')).toMatchObject({ algorithm: 'PeakEwma', clients: { matchLabels: {} } });
  expect(byName.get('payment-drain')).toMatchObject({ endpointWeights: [{ weight: 0 }, { weight: 0 }] });
});
