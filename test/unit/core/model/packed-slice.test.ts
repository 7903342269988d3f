import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EndpointObject } from '../../../../src/core/model/objects.ts';
import { NO_HINTS } from '../../../../src/core/model/objects.ts';
import { createPlaces, packSlice } from '../../../../src/core/model/packed-slice.ts';
import { endpoint, NOT_READY, slice } from '../../../helpers/objects.ts';

const A = endpoint('10.1.0.1', { node: 'node-a', zone: 'z1', pod: 'web-7d9f-abcde' });
const B = endpoint('10.1.0.2', { node: 'node-b', zone: 'z2', pod: 'web-7d9f-fghij', ...NOT_READY });

const unpacked = (endpoints: readonly EndpointObject[]): readonly EndpointObject[] =>
  packSlice(slice(endpoints), createPlaces()).endpoints;

describe('a packed slice', () => {
  test.each<[string, readonly EndpointObject[]]>([
    ['none', []],
    ['one', [A]],
    ['several', [A, B]],
    ['the same Pod twice', [A, A]],
    ['one that is no Pod', [A, endpoint('10.1.0.3')]],
    ['IPv6', [endpoint('2001:db8::1', { pod: 'web-1' }), endpoint('::2', { pod: 'web-22' })]],
    ['some with labels', [A, { ...B, labels: { rack: 'r1', constructor: '' } }, { ...A, labels: {} }]],
    ['names that look like what is packed', [endpoint('10.1.0.1', { pod: '10.1.0.1 7 3 abc' }), A]],
  ])('has the endpoints that it was made from: %s', (_, endpoints) => {
    expect(unpacked(endpoints)).toEqual(endpoints);
  });

  test('has them whatever their texts hold', () => {
    const text = fc.string({ unit: 'binary' });
    const any = fc.record({
      address: fc.oneof(fc.ipV4(), fc.ipV6()),
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      node: text,
      zone: text,
      hints: fc.record({ zones: fc.array(text), nodes: fc.array(text) }),
      pod: text,
    });
    const labelled = fc.record({ labels: fc.dictionary(text, text) });
    const either = fc
      .tuple(any, fc.option(labelled, { nil: {} }))
      .map(([fields, labels]) => ({ ...fields, ...labels }));
    fc.assert(
      fc.property(fc.array(either), (endpoints) => {
        expect(unpacked(endpoints)).toEqual(endpoints);
      }),
    );
  });

  test('has all other fields of the slice', () => {
    const { endpoints: _, ...fields } = slice([A, B], { name: 'web-2', triggeredAtMs: 5 });
    expect(packSlice({ ...fields, endpoints: [A, B] }, createPlaces())).toMatchObject(fields);
  });

  test.each([
    ['equal', [A, B], [A, B], true],
    ['another order', [A, B], [B, A], false],
    ['another Pod', [A], [{ ...A, pod: 'web-7d9f-zzzzz' }], false],
    ['equal labels', [{ ...A, labels: { a: 'b' } }, B], [{ ...A, labels: { a: 'b' } }, B], true],
    ['other labels', [{ ...A, labels: { a: 'b' } }], [{ ...A, labels: { a: 'c' } }], false],
    ['labels and none', [{ ...A, labels: { a: 'b' } }], [A], false],
    ['another place', [A], [{ ...A, node: 'node-c' }], false],
    ['another condition', [A], [{ ...A, ...NOT_READY }], false],
  ])('has the JSON of an equal one alone: %s', (_, one, other, equal) => {
    const json = (endpoints: readonly EndpointObject[]) => JSON.stringify(packSlice(slice(endpoints), createPlaces()));
    expect(json(one) === json(other)).toBe(equal);
  });
});

describe('places', () => {
  test('are kept once', () => {
    const placeOf = createPlaces();
    expect(placeOf('node-a', 'z1', NO_HINTS)).toBe(placeOf('node-a', 'z1', NO_HINTS));
  });

  test('are right when a node moves to another zone', () => {
    const placeOf = createPlaces();
    placeOf('node-a', 'z1', NO_HINTS);
    expect(placeOf('node-a', 'z2', NO_HINTS)).toEqual({ node: 'node-a', zone: 'z2', hints: NO_HINTS });
  });

  test('of one node are kept with hints and without, and are right when the hints change', () => {
    const placeOf = createPlaces();
    const z1 = { zones: ['z1'], nodes: [] };
    const plain = placeOf('node-a', 'z1', NO_HINTS);
    const hinted = placeOf('node-a', 'z1', z1);
    expect(placeOf('node-a', 'z1', NO_HINTS)).toBe(plain);
    expect(placeOf('node-a', 'z1', { ...z1 })).toBe(hinted);
    expect(placeOf('node-a', 'z1', { zones: [], nodes: ['node-a'] }).hints).toEqual({ zones: [], nodes: ['node-a'] });
  });

  test('are forgotten when there are too many', () => {
    const placeOf = createPlaces(2);
    const first = placeOf('node-a', 'z1', NO_HINTS);
    placeOf('node-b', 'z1', NO_HINTS);
    placeOf('node-c', 'z1', NO_HINTS);
    expect(placeOf('node-a', 'z1', NO_HINTS)).not.toBe(first);
    expect(placeOf('node-a', 'z1', NO_HINTS)).toEqual(first);
  });
});
