import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, type RawAnswer } from '../helpers/api-server/client.ts';
import { type BodyTrouble, GONE } from '../helpers/api-server/fault.ts';
import { LONG_LINE_BYTES } from '../helpers/api-server/outlet.ts';
import { startApiServerProcess } from '../helpers/api-server/process.ts';
import type { RawObject } from '../helpers/api-server/resources.ts';
import { type ApiServer, startApiServer } from '../helpers/api-server/server.ts';

const SERVICES = '/api/v1/services';
const WATCH = `${SERVICES}?watch=true&allowWatchBookmarks=true`;
const WATCH_LIST = `${WATCH}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=`;

let server: ApiServer;

beforeEach(async () => {
  server = await startApiServer({ freshMs: 20 });
});

afterEach(() => server.down());

describe('a list', () => {
  test('has all objects in the order of their keys, without what the list says already', async () => {
    for (const name of ['web', 'cart']) put(name);
    const { status, body } = await ask(server, SERVICES);
    const list = JSON.parse(String(body));
    expect(status).toBe(200);
    expect(list).toMatchObject({ kind: 'ServiceList', apiVersion: 'v1', metadata: { resourceVersion: '1002' } });
    expect(list.items.map(({ metadata }: RawObject) => metadata.name)).toEqual(['cart', 'web']);
    expect(list.items.some((item: object) => 'kind' in item || 'apiVersion' in item)).toBe(false);
  });

  test('of custom resources has its version behind the items, which say what they are', async () => {
    server.store.put('trafficpolicies', { metadata: { name: 'weights', namespace: 'shop' }, spec: {} });
    const { body } = await ask(server, '/apis/shunt.dev/v1alpha1/trafficpolicies');
    const list = JSON.parse(String(body));
    expect(Object.keys(list)).toEqual(['apiVersion', 'items', 'kind', 'metadata']);
    expect(list.items[0]).toMatchObject({ apiVersion: 'shunt.dev/v1alpha1', kind: 'TrafficPolicy' });
  });

  test('comes in pages of the state that the first one had, or not at all when that is forgotten', async () => {
    for (const name of ['a', 'b', 'c']) put(name);
    const first = JSON.parse(String((await ask(server, `${SERVICES}?limit=2`)).body));
    put('d');
    server.store.delete('services', 'shop/c');
    const next = `${SERVICES}?limit=2&continue=${first.metadata.continue}`;
    const second = JSON.parse(String((await ask(server, next)).body));
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion, continue: '' });
    server.store.compact();
    expect((await ask(server, next)).status).toBe(410);
  });

  test.each([
    { query: 'labelSelector=!headless', names: ['a', 'b'] },
    { query: 'labelSelector=tier', names: ['b'] },
    { query: 'labelSelector=tier=front', names: ['b'] },
    { query: 'labelSelector=tier=back', names: [] },
    { query: 'fieldSelector=metadata.name=c', names: ['c'] },
    { query: 'resourceVersion=0&limit=1', names: ['a', 'b', 'c'] },
  ])('with ?$query has $names', async ({ query, names }) => {
    put('a');
    put('b', { tier: 'front' });
    put('c', { headless: '' });
    const { body } = await ask(server, `${SERVICES}?${query.replace('!', '%21')}`);
    expect(JSON.parse(String(body)).items.map(({ metadata }: RawObject) => metadata.name)).toEqual(names);
  });

  test('of a version to come is refused after a while', async () => {
    expect(await ask(server, `${SERVICES}?resourceVersion=5000`)).toMatchObject({ status: 504 });
  });
});

describe('a watch', () => {
  test('tells every change after its version, and none of other resources', async () => {
    const { metadata } = put('web');
    put('cart');
    const watching = ask(server, `${WATCH}&resourceVersion=${metadata.resourceVersion}`);
    await sleep(50);
    put('web');
    server.store.put('nodes', { metadata: { name: 'node-a' } });
    server.store.delete('services', 'shop/cart');
    expect(eventsOf(await watching)).toEqual(['ADDED cart 1002', 'MODIFIED web 1003', 'DELETED cart 1005']);
  });

  test('of an object that a selector begins or ceases to see tells that it came or went', async () => {
    put('web');
    const watching = ask(server, `${WATCH}&resourceVersion=1001&labelSelector=tier`);
    await sleep(50);
    put('web', { tier: 'front' });
    put('web', { tier: 'back' });
    put('web');
    put('web');
    expect(eventsOf(await watching)).toEqual(['ADDED web 1002', 'MODIFIED web 1003', 'DELETED web 1004']);
  });

  test('of all objects begins with them, then says so, then tells the changes', async () => {
    for (const name of ['web', 'cart']) put(name);
    const watching = ask(server, WATCH_LIST);
    await sleep(50);
    put('web');
    const answer = await watching;
    expect(eventsOf(answer)).toEqual(['ADDED cart 1002', 'ADDED web 1001', 'BOOKMARK 1002 end', 'MODIFIED web 1003']);
  });

  test('gets bookmarks with the newest version', async () => {
    server.behaviour.bookmarkMs = 60;
    put('web');
    const watching = ask(server, `${WATCH}&resourceVersion=1001`, { forMs: 200 });
    await sleep(10);
    server.store.tick(7);
    const answer = await watching;
    expect(new Set(eventsOf(answer))).toEqual(new Set(['BOOKMARK 1008']));
  });

  test('ends in order when the client’s time is up', async () => {
    const answer = await ask(server, `${WATCH}&resourceVersion=1000&timeoutSeconds=1`, { forMs: 3000 });
    expect(answer).toMatchObject({ status: 200, end: 'complete' });
  });

  test('from a version that is forgotten gets 410 as an event, and the end', async () => {
    put('web');
    server.store.compact();
    const answer = await ask(server, `${WATCH}&resourceVersion=1000`);
    expect(answer).toMatchObject({ status: 200, end: 'complete' });
    expect(eventsOf(answer)).toEqual(['ERROR 410 Expired']);
  });

  test('from a version to come hears nothing until it has come, unless bookmarks are from the past', async () => {
    const snapshot = server.store.snapshot();
    for (const name of ['a', 'b', 'c']) put(name);
    server.store.restore(snapshot);
    const watching = ask(server, `${WATCH}&resourceVersion=1002`);
    await sleep(30);
    for (const name of ['x', 'y', 'z']) put(name);
    expect(eventsOf(await watching)).toEqual(['ADDED z 1003']);
    server.store.restore(snapshot);
    Object.assign(server.behaviour, { bookmarkMs: 30, bookmarksFromThePast: true });
    expect(eventsOf(await ask(server, `${WATCH}&resourceVersion=1002`))).toContain('BOOKMARK 1000');
  });

  test('beyond what is remembered of the past is too late', async () => {
    await server.down();
    server = await startApiServer({ historyMax: 3 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(name);
    expect(eventsOf(await ask(server, `${WATCH}&resourceVersion=1001`))).toEqual(['ERROR 410 Expired']);
    expect(eventsOf(await ask(server, `${WATCH}&resourceVersion=1002`))).toHaveLength(3);
  });
});

describe('without being asked for anything wrong, the server refuses', () => {
  test.each([
    { why: 'a WatchList that it does not know', behaviour: { watchList: 422 }, path: WATCH_LIST, status: 422 },
    { why: 'a token that is no longer right', behaviour: { tokens: ['new'] }, path: SERVICES, status: 401 },
    { why: 'a resource that is not installed', behaviour: { missing: ['services'] }, path: SERVICES, status: 404 },
    {
      why: 'what the role lacks',
      behaviour: { forbidden: [{ resource: 'services', verb: 'watch' }] },
      path: WATCH,
      status: 403,
    },
  ] as const)('$why with $status', async ({ behaviour, path, status }) => {
    Object.assign(server.behaviour, behaviour);
    expect(await ask(server, path, { token: 'old' })).toMatchObject({ status, end: 'complete' });
    Object.assign(server.behaviour, { watchList: 'on', tokens: ['old'], missing: [], forbidden: [] });
    expect(await ask(server, path, { token: 'old' })).toMatchObject({ status: 200 });
  });

  test.each([
    { query: 'watch=true&sendInitialEvents=true', status: 422 },
    { query: 'watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan', status: 422 },
    { query: 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan', status: 422 },
    { query: 'resourceVersion=new', status: 422 },
    { query: 'labelSelector=a%20in%20(b)', status: 400 },
  ])('?$query with $status, as the API does', async ({ query, status }) => {
    expect(await ask(server, `${SERVICES}?${query}`)).toMatchObject({ status });
  });

  test('never the end of a WatchList, when it is told to leave that out', async () => {
    server.behaviour.watchList = 'endless';
    put('web');
    expect(eventsOf(await ask(server, WATCH_LIST))).toEqual(['ADDED web 1001']);
  });
});

describe('a fault', () => {
  const broken =
    /^\{"type":"ADDED".*\n\{"type":"MODIFIED","object":\{"kind":"Service","metadata":\{"name":"we\n\{.*\n$/;
  test.each<{ trouble: BodyTrouble; end: string; body: RegExp }>([
    { trouble: { kind: 'end' }, end: 'complete', body: /^\{.*\}\n$/ },
    { trouble: { kind: 'reset' }, end: 'ECONNRESET', body: /^(\{.*\}\n)?$/ },
    { trouble: { kind: 'cut' }, end: 'ECONNRESET', body: /^\{.*\}\n$/ },
    { trouble: { kind: 'stall' }, end: 'open', body: /^\{.*\}\n$/ },
    { trouble: { kind: 'half', ending: 'stall' }, end: 'open', body: /^\{.*\}\n\{[^\n]*[^}\n]$/ },
    { trouble: { kind: 'half', ending: 'end' }, end: 'complete', body: /^\{.*\}\n\{[^\n]*[^}\n]$/ },
    { trouble: { kind: 'garbage', line: 'broken' }, end: 'open', body: broken },
    { trouble: { kind: 'garbage', line: 'number' }, end: 'open', body: /^\{.*\}\n42\n\{.*\}\n$/ },
    { trouble: { ...GONE, ending: 'stall' }, end: 'open', body: /^\{.*\n\{"type":"ERROR".*"code":410\}\}\n$/ },
    { trouble: { ...GONE, ending: 'end' }, end: 'complete', body: /^\{.*\n\{"type":"ERROR".*"code":410\}\}\n$/ },
  ])('of a watch after one event: $trouble', async ({ trouble, end, body }) => {
    server.faults.push({ resource: 'services', on: 'watch', after: 1, trouble });
    for (const name of ['a', 'b', 'c']) put(name);
    const answer = await ask(server, `${WATCH}&resourceVersion=1000`);
    expect({ end: answer.end, body: String(answer.body) }).toEqual({ end, body: expect.stringMatching(body) });
    expect(eventsOf(await ask(server, `${WATCH}&resourceVersion=1000`))).toHaveLength(3);
  });

  test.each<{ trouble: BodyTrouble; end: string; items: number }>([
    { trouble: { kind: 'end' }, end: 'complete', items: 2 },
    { trouble: { kind: 'reset' }, end: 'ECONNRESET', items: 2 },
    { trouble: { kind: 'cut' }, end: 'ECONNRESET', items: 2 },
    { trouble: { kind: 'stall' }, end: 'open', items: 2 },
    { trouble: { kind: 'half', ending: 'cut' }, end: 'ECONNRESET', items: 3 },
  ])('of a list after two items leaves a part of it: $trouble', async ({ trouble, end, items }) => {
    server.faults.push({ on: 'list', after: 2, trouble });
    for (const name of ['a', 'b', 'c']) put(name);
    const { body, ...answer } = await ask(server, SERVICES);
    expect(answer).toMatchObject({ status: 200, end });
    expect(() => JSON.parse(String(body))).toThrow();
    expect(String(body).split('"uid"')).toHaveLength(items + 1);
  });

  test.each([
    { fault: { status: 429, retryAfter: '1' }, wanted: { status: 429, headers: { 'retry-after': '1' } } },
    { fault: { status: 503 }, wanted: { status: 503 } },
  ])('instead of an answer: $fault', async ({ fault, wanted }) => {
    server.faults.push({ trouble: { kind: 'status', ...fault } });
    expect(await ask(server, SERVICES)).toMatchObject({ ...wanted, end: 'complete' });
    expect(await ask(server, SERVICES)).toMatchObject({ status: 200 });
  });

  test('of silence brings no headers', async () => {
    server.faults.push({ trouble: { kind: 'silence' } });
    expect(await ask(server, SERVICES)).toMatchObject({ status: 0, end: 'open' });
  });

  test('of slowness brings everything at that rate', async () => {
    for (const name of ['a', 'b', 'c']) put(name);
    server.faults.push({ trouble: { kind: 'slow', bytesPerS: 2000 } });
    const startMs = performance.now();
    const { body, end } = await ask(server, SERVICES, { forMs: 3000 });
    expect(end).toBe('complete');
    expect(JSON.parse(String(body)).items).toHaveLength(3);
    expect(performance.now() - startMs).toBeGreaterThan((body.length / 2000) * 800);
  });

  test('of a long line brings more than anyone should keep', async () => {
    put('a');
    server.faults.push({ trouble: { kind: 'garbage', line: 'long' } });
    const { body } = await ask(server, `${WATCH}&resourceVersion=1000`, { forMs: 400 });
    expect(body.length).toBeGreaterThan(LONG_LINE_BYTES);
    expect(body.includes('\n')).toBe(false);
  });

  test('is for the requests that it names', async () => {
    server.faults.push({ resource: 'nodes', trouble: { kind: 'silence' } });
    server.faults.push({ on: 'watch', trouble: { kind: 'silence' } });
    server.faults.push({ on: 'sync', trouble: { kind: 'status', status: 500 } });
    expect(await ask(server, `${SERVICES}?fieldSelector=metadata.name%3Dkubernetes`)).toMatchObject({ status: 200 });
    expect(await ask(server, WATCH_LIST)).toMatchObject({ status: 500 });
    expect(await ask(server, WATCH)).toMatchObject({ status: 0 });
    expect(await ask(server, '/api/v1/nodes')).toMatchObject({ status: 0 });
    expect(server.faults).toEqual([]);
  });

  test('strikes watches that are open, too', async () => {
    const watching = ask(server, `${WATCH}&resourceVersion=1000`, { forMs: 2000 });
    await sleep(50);
    expect(server.watches('services')).toBe(1);
    server.disturb({ kind: 'reset' }, 'nodes');
    server.disturb({ kind: 'reset' }, 'services');
    expect(await watching).toMatchObject({ end: 'ECONNRESET' });
    expect(server.watches()).toBe(0);
  });
});

test('the server keeps connections, counts them, and logs what was asked', async () => {
  const agent = new Agent({ keepAlive: true });
  await ask(server, SERVICES, { agent, token: 'mine' });
  await ask(server, '/api/v1/nodes?fieldSelector=metadata.name%3Dkubernetes', { agent });
  expect(server.connections).toEqual({ total: 1, open: 1 });
  expect(server.requests).toMatchObject([
    { resource: 'services', kind: 'list', token: 'mine', connection: 1, status: 200 },
    {
      resource: 'nodes',
      kind: 'peek',
      parameters: { fieldSelector: 'metadata.name=kubernetes' },
      token: undefined,
      connection: 1,
    },
  ]);
  agent.destroy();
});

test('a server that went down refuses connections, and is back on the same port with all it had', async () => {
  put('web');
  const watching = ask(server, `${WATCH}&resourceVersion=1001`, { forMs: 2000 });
  await sleep(50);
  await server.down();
  expect(await watching).toMatchObject({ end: 'ECONNRESET' });
  expect(await ask(server, SERVICES)).toMatchObject({ status: 0, end: 'ECONNREFUSED' });
  await server.up();
  expect(JSON.parse(String((await ask(server, SERVICES)).body)).items).toHaveLength(1);
});

test('bodies come in small pieces when they shall', async () => {
  server.behaviour.chunkBytesMax = 3;
  put('wéb');
  const { body } = await ask(server, SERVICES);
  expect(JSON.parse(String(body)).items[0].metadata.name).toBe('wéb');
});

test('a server in a process of its own does the same as one in this process', async () => {
  await using remote = await startApiServerProcess();
  const there = { port: remote.port, ca: readFileSync(`${remote.directory}/ca.crt`, 'utf8') };
  const [object] = await remote.call('put', 'services', { metadata: { name: 'web', namespace: 'shop' } });
  expect(object).toMatchObject({ kind: 'Service', metadata: { resourceVersion: '1001' } });
  await remote.call('fault', { trouble: { kind: 'status', status: 503 } });
  expect(await ask(there, SERVICES)).toMatchObject({ status: 503 });
  expect(JSON.parse(String((await ask(there, SERVICES)).body)).items).toHaveLength(1);
  expect(await remote.call('asked')).toEqual(['list services', 'list services']);
  await remote.call('down');
  expect(await ask(there, SERVICES)).toMatchObject({ end: 'ECONNREFUSED' });
  await remote.call('up');
  expect(await ask(there, SERVICES)).toMatchObject({ status: 200 });
});

const put = (name: string, labels: Readonly<Record<string, string>> = {}): RawObject =>
  server.store.put('services', { metadata: { name, namespace: 'shop', labels }, spec: {} });

/** `TYPE name version`, of what the stream brought in whole lines. */
const eventsOf = ({ body }: RawAnswer): readonly string[] =>
  String(body)
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { type, object } = JSON.parse(line);
      if (type === 'ERROR') return `ERROR ${object.code} ${object.reason}`;
      const { name, resourceVersion, annotations } = object.metadata;
      if (type !== 'BOOKMARK') return `${type} ${name} ${resourceVersion}`;
      return `BOOKMARK ${resourceVersion}${annotations?.['k8s.io/initial-events-end'] === 'true' ? ' end' : ''}`;
    });
