import { describe, expect, test } from 'vitest';
import { type ObjectRead, readObject } from '../../../../src/core/desire/read.ts';
import { createIntern } from '../../../../src/core/model/intern.ts';
import { createCatalog } from '../../../../src/sources/kubernetes/catalog.ts';
import type { ReflectorEvent } from '../../../../src/sources/kubernetes/told.ts';

/** A slice as the server has it: `good`, `bad` for one that cannot be read, `idle` for one that asks for nothing. */
const read = (state: string): ObjectRead =>
  readObject(
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace: 'shop',
        name: 'web-1',
        labels: state === 'idle' ? {} : { 'kubernetes.io/service-name': 'web' },
      },
      addressType: state === 'bad' ? 'IPv5' : 'IPv4',
      endpoints: [{ addresses: ['10.244.1.1'] }],
      ports: [{ name: 'http', port: 80 }],
    },
    createIntern(),
  );

const put = (state: string, isNew = false): ReflectorEvent<ObjectRead> => ({
  type: 'put',
  namespace: 'shop',
  name: 'web-1',
  object: read(state),
  isNew,
});
const gone: ReflectorEvent<ObjectRead> = { type: 'delete', namespace: 'shop', name: 'web-1' };

describe('an object', () => {
  test.each([
    { states: ['good'], told: ['put'], whole: true, says: [] },
    { states: ['good', 'good'], told: ['put', 'put'], whole: true, says: [] },
    { states: ['good', 'gone'], told: ['put', 'delete'], whole: true, says: [] },
    { states: ['good', 'bad'], told: ['put'], whole: true, says: ['error'] },
    { states: ['good', 'bad', 'good'], told: ['put', 'put'], whole: true, says: [] },
    { states: ['good', 'bad', 'gone'], told: ['put', 'delete'], whole: true, says: [] },
    { states: ['good', 'idle'], told: ['put', 'delete'], whole: true, says: ['note'] },
    { states: ['good', 'idle', 'gone'], told: ['put', 'delete'], whole: true, says: [] },
    { states: ['good', 'idle', 'good'], told: ['put', 'delete', 'put'], whole: true, says: [] },
    { states: ['good', 'idle', 'bad'], told: ['put', 'delete'], whole: false, says: ['error'] },
    { states: ['bad'], told: [], whole: false, says: ['error'] },
    { states: ['bad', 'bad'], told: [], whole: false, says: ['error'] },
    { states: ['bad', 'gone'], told: [], whole: true, says: [] },
    { states: ['bad', 'good'], told: ['put'], whole: true, says: [] },
    { states: ['bad', 'idle'], told: [], whole: true, says: ['note'] },
    { states: ['bad', 'gone', 'good', 'bad'], told: ['put'], whole: true, says: ['error'] },
    { states: ['idle'], told: [], whole: true, says: ['note'] },
    { states: ['idle', 'gone', 'good'], told: ['put'], whole: true, says: [] },
  ])('that is $states is told as $told', ({ states, told, whole, says }) => {
    const catalog = createCatalog();
    const events = states.flatMap((state, index) =>
      catalog.take('EndpointSlice', [
        state === 'gone' ? gone : put(state, index === 0 || states[index - 1] === 'gone'),
      ]),
    );
    expect(events.map(({ type }) => type)).toEqual(told);
    expect(catalog.isWhole()).toBe(whole);
    expect(catalog.complaints().map(({ severity }) => severity)).toEqual(says);
  });

  test.each([
    { states: ['bad', 'bad', 'gone'], told: ['stand-in', 'stand-in', 'delete'] },
    { states: ['bad', 'good', 'bad'], told: ['stand-in', 'put'] },
    { states: ['good', 'bad', 'gone'], told: ['put', 'delete'] },
    { states: ['bad', 'gone', 'good'], told: ['stand-in', 'delete', 'put'] },
  ])('that is $states, and would be for everybody without it, is told as $told', ({ states, told }) => {
    const policy = (state: string): ObjectRead =>
      readObject(
        {
          apiVersion: 'shunt.dev/v1alpha1',
          kind: 'TrafficPolicy',
          metadata: { namespace: 'shop', name: 'web-1' },
          spec: {
            targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'TCPRoute', name: 'beta' }],
            clients: state === 'bad' ? { matchLabel: {} } : {},
          },
        },
        createIntern(),
      );
    const catalog = createCatalog();
    const events = states.flatMap((state, index) =>
      catalog.take('TrafficPolicy', [
        state === 'gone'
          ? gone
          : {
              type: 'put',
              namespace: 'shop',
              name: 'web-1',
              object: policy(state),
              isNew: index === 0 || states[index - 1] === 'gone',
            },
      ]),
    );
    const said = events.map((event) => (event.type === 'put' && 'standsIn' in event.object ? 'stand-in' : event.type));
    expect(said).toEqual(told);
    expect(catalog.isWhole()).toBe(true);
  });

  test('that was made anew is told as gone and put, in this order', () => {
    const catalog = createCatalog();
    catalog.take('EndpointSlice', [put('good', true)]);
    expect(catalog.take('EndpointSlice', [gone, put('good', true)]).map(({ type }) => type)).toEqual(['delete', 'put']);
    expect(catalog.take('EndpointSlice', [gone, put('bad', true)]).map(({ type }) => type)).toEqual(['delete']);
    expect(catalog.isWhole()).toBe(false);
  });

  test('of a kind that Shunt does not use is nothing', () => {
    const event = { ...put('good', true), object: { outcome: 'unused', kind: 'v1 Secret' } as ObjectRead };
    const catalog = createCatalog();
    expect(catalog.take('Pod', [event as ReflectorEvent<ObjectRead>])).toEqual([]);
    expect([catalog.isWhole(), catalog.complaints()]).toEqual([true, []]);
  });

  test('of one kind is not taken for one of another', () => {
    const catalog = createCatalog();
    catalog.take('EndpointSlice', [put('bad', true)]);
    expect(catalog.take('Service', [gone])).toHaveLength(1);
    expect(catalog.isWhole()).toBe(false);
  });
});

test('complaints are the same list until one comes or goes', () => {
  const catalog = createCatalog();
  const none = catalog.complaints();
  catalog.take('EndpointSlice', [put('good', true)]);
  expect(catalog.complaints()).toBe(none);
  catalog.take('EndpointSlice', [put('bad')]);
  const one = catalog.complaints();
  expect(one).toHaveLength(1);
  catalog.take('EndpointSlice', [put('bad')]);
  expect(catalog.complaints()).toBe(one);
});
