import { describe, expect, test } from 'vitest';
import type { SameNodeEnd, SameNodeMode } from '../../../../src/core/same-node/end.ts';
import { FakeSameNode } from '../../../../src/dataplane/fake/same-node.ts';

const end = (address: string, mode: SameNodeMode, port = 0): SameNodeEnd => ({ address, port, mode });
const CLIENT = '10.1.0.1';
const SERVER = '10.1.0.2';
const SERVED = end(SERVER, 'served', 80);

/** As test/bpf holds of the kernel's. */
describe('two ends are joined', () => {
  test.each<[client: SameNodeMode | undefined, server: SameNodeMode | undefined, isServed: boolean, joined: boolean]>([
    ['local', 'local', false, false],
    ['local', 'local', true, true],
    ['redirect', 'local', false, false],
    ['redirect', 'local', true, true],
    ['redirect', 'redirect', false, true],
    ['local', 'redirect', false, false],
    ['plain', 'redirect', true, false],
    ['local', 'plain', true, false],
    [undefined, 'local', true, false],
    [undefined, 'redirect', false, false],
    ['redirect', undefined, false, false],
  ])('of modes %s and %s, where that one is served: %s', (client, server, isServed, joined) => {
    const fake = new FakeSameNode();
    fake.set([
      ...(client === undefined ? [] : [end(CLIENT, client)]),
      ...(server === undefined ? [] : [end(SERVER, server)]),
      ...(isServed ? [SERVED] : []),
      end('10.1.0.3', 'redirect'),
    ]);
    expect({ 80: fake.joins(CLIENT, SERVER, 80), 81: fake.joins(CLIENT, SERVER, 81) }).toEqual({
      80: joined,
      81: joined && client === 'redirect' && server === 'redirect',
    });
  });
});

test.each<[title: string, ends: readonly SameNodeEnd[], says: RegExp]>([
  ['an end that is there twice', [end(CLIENT, 'local'), end(CLIENT, 'local')], /twice/],
  ['a Pod that is served', [end(CLIENT, 'served')], /cannot be served/],
  ['an endpoint that is local', [end(CLIENT, 'local'), end(CLIENT, 'local', 80)], /cannot be local/],
  ['an endpoint of no Pod', [SERVED], /no Pod/],
])('%s is refused', (_, ends, says) => {
  const fake = new FakeSameNode();
  expect(() => fake.set(ends)).toThrow(says);
  expect(fake.isAttached).toBe(false);
});

test('nobody is tended while nothing is attached', () => {
  expect(() => new FakeSameNode().tend()).toThrow(/nothing is attached/);
});
