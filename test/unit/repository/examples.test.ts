import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readOnce } from '../../../src/sources/file.ts';

const names = async (path: string): Promise<readonly string[]> =>
  (await readOnce(path)).objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).toSorted();

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));

test.each(files)('examples/%s is read without a complaint, and says what it is for', async (name) => {
  const { objects, complaints } = await readOnce(`examples/${name}`);
  expect(complaints).toEqual([]);
  expect(objects.length).toBeGreaterThan(0);
  expect(readFileSync(`examples/${name}`, 'utf8')).toMatch(/^# \w/);
});

test('examples/shares has a canary for all, and two tests of some clients', async () => {
  expect(await names('examples/shares')).toEqual([
    'EndpointSlice shop/cart-v1-1',
    'EndpointSlice shop/cart-v2-1',
    'ReferenceGrant shop/preview',
    'Service shop/cart',
    'Service shop/cart-v1',
    'Service shop/cart-v2',
    'TCPRoute preview/cart',
    'TCPRoute shop/cart-beta',
    'TCPRoute shop/cart-canary',
    'TrafficPolicy shop/cart-beta',
  ]);
  const { objects } = await readOnce('examples/shares');
  expect(objects.find(({ name }) => name === 'cart-canary')).toMatchObject({
    parents: [{ namespace: 'shop', name: 'cart', port: 80 }],
    backends: [
      { name: 'cart-v1', weight: 95 },
      { name: 'cart-v2', weight: 5 },
    ],
    unsupported: '',
  });
  const policy = objects.find(({ kind }) => kind === 'TrafficPolicy');
  expect(policy).toMatchObject({ routes: [{ kind: 'TCPRoute', name: 'cart-beta' }], clients: expect.anything() });
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
  const byName = new Map(objects.map((object) => [object.name, object]));
  expect(byName.get('orders')).toMatchObject({ algorithm: 'LeastConnections', slowStartMs: 60_000 });
  expect(byName.get('cache')).toMatchObject({ algorithm: 'Maglev', hashOn: 'Pod' });
  expect(byName.get('search')).toMatchObject({ algorithm: 'RoundRobin', clients: undefined });
  expect(byName.get('search-web')).toMatchObject({ algorithm: 'PeakEwma', clients: { matchLabels: {} } });
  expect(byName.get('payment-drain')).toMatchObject({ endpointWeights: [{ weight: 0 }, { weight: 0 }] });
});
