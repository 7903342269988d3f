import { describe, expect, test } from 'vitest';
import { SORT_NAMES, sortKey } from '../../../../src/cli/top/columns.ts';
import { ratesBetween } from '../../../../src/cli/top/rates.ts';
import { FIRST_VIEW, press, rowsOf, type View } from '../../../../src/cli/top/view.ts';
import { latency, port, reading } from './readings.ts';

/** A letter, or the name of a key that writes nothing. */
const pressAll = (keys: readonly string[], from: Partial<View> = {}): View | 'quit' =>
  keys.reduce<View | 'quit'>(
    (view, name) => {
      if (view === 'quit') return view;
      const ctrl = name.startsWith('ctrl-');
      const key = { name: ctrl ? name.slice(5) : name, ctrl, text: name.length === 1 ? name : '' };
      return press(view, key, { rows: 100, page: 20 });
    },
    { ...FIRST_VIEW, ...from },
  );

describe('keys', () => {
  test.each([{ keys: ['q'] }, { keys: ['ctrl-c'] }, { keys: ['ctrl-d'] }, { keys: ['/', 'q', 'ctrl-c'] }])(
    '$keys end it',
    ({ keys }) => {
      expect(pressAll(keys)).toBe('quit');
    },
  );

  test.each([
    { keys: ['down'], is: { offset: 1 } },
    { keys: ['up'], is: { offset: 0 } },
    { keys: ['down', 'down', 'up'], is: { offset: 1 } },
    { keys: ['pagedown'], is: { offset: 20 } },
    { keys: [' ', 'pageup', 'pageup'], is: { offset: 0 } },
    { keys: ['end'], is: { offset: 80 } },
    { keys: ['end', 'down', 'pagedown'], is: { offset: 80 } },
    { keys: ['end', 'home'], is: { offset: 0 } },
    { keys: ['f'], is: { sort: 'failed', isReversed: false } },
    { keys: ['f', 'f'], is: { sort: 'failed', isReversed: true } },
    { keys: ['f', 'f', 'f'], is: { sort: 'failed', isReversed: false } },
    { keys: ['f', 'f', 'n'], is: { sort: 'name', isReversed: false } },
    { keys: ['r'], is: { sort: 'connections', isReversed: true } },
    { keys: ['s'], is: { sort: 'failed' } },
    { keys: ['S', 'S'], is: { sort: 'datagrams' } },
    { keys: ['x'], is: FIRST_VIEW },
    { keys: ['down', '/', 's', 'h'], is: { filter: 'sh', filterBefore: '', offset: 0, sort: 'connections' } },
    { keys: ['/', 's', 'h', 'backspace', 'x', 'return'], is: { filter: 'sx', filterBefore: undefined } },
    { keys: ['/', 'a', 'return', '/', 'b', 'escape'], is: { filter: 'a', filterBefore: undefined } },
    { keys: ['/', 'a', 'return', 'escape'], is: { filter: '' } },
    { keys: ['/', 'é', '\x1b', ' ', 'return', 'down'], is: { filter: '', offset: 1 } },
  ])('$keys: $is', ({ keys, is }) => {
    expect(pressAll(keys)).toMatchObject(is);
  });

  test('of columns are told apart, and are no other key', () => {
    const keys = [...SORT_NAMES.map(sortKey), 'q', '/', 's', 'S', 'r', ' '];
    expect(new Set(keys).size).toBe(keys.length);
    for (const name of SORT_NAMES) expect(pressAll([sortKey(name)], { sort: 'in' })).toMatchObject({ sort: name });
  });
});

describe('rows', () => {
  const before = [port('shop/a'), port('shop/b'), port('dns/c', {}, { protocol: 'UDP', port: 53 })];
  const after = [
    port('shop/a', { attempts: 9, active: 1, connectLatency: latency({ 9: 1 }) }),
    port('shop/b', { attempts: 9, active: 3, connectLatency: latency({ 3: 1 }) }),
    port('dns/c', { attempts: 1, active: 2, datagrams: 4 }, { protocol: 'UDP', port: 53 }),
    port('shop/new', { attempts: 100 }),
  ];
  const { ports } = ratesBetween(reading(0, before), reading(1000, after));
  const rows = (view: Partial<View>) => rowsOf(ports, { ...FIRST_VIEW, ...view }).map(({ service }) => service);

  test.each([
    { what: 'by figures from the highest, equal ones by name', view: {}, are: ['a', 'b', 'c', 'new'] },
    { what: 'reversed, but what is not known stays last', view: { isReversed: true }, are: ['c', 'a', 'b', 'new'] },
    { what: 'by name', view: { sort: 'name' }, are: ['c', 'a', 'b', 'new'] },
    { what: 'by name, reversed', view: { sort: 'name', isReversed: true }, are: ['new', 'b', 'a', 'c'] },
    { what: 'by open connections', view: { sort: 'active' }, are: ['b', 'c', 'a', 'new'] },
    { what: 'by latency', view: { sort: 'p99' }, are: ['a', 'b', 'c', 'new'] },
    { what: 'of a namespace', view: { filter: 'shop/' }, are: ['a', 'b', 'new'] },
    { what: 'of a protocol and port', view: { filter: ':53/udp' }, are: ['c'] },
    { what: 'of nothing', view: { filter: 'nobody' }, are: [] },
  ] as const)('$what', ({ view, are }) => {
    expect(rows(view)).toEqual(are);
  });
});
