import { describe, expect, test } from 'vitest';
import { plain } from '../../../../src/cli/style.ts';
import { layout, pageOf } from '../../../../src/cli/top/layout.ts';
import { EMPTY, type Model, noteReading, noteTrouble } from '../../../../src/cli/top/model.ts';
import { FIRST_VIEW } from '../../../../src/cli/top/view.ts';
import { latency, port, reading } from './readings.ts';

const LOOK = { isUnicode: true, style: plain, every: 'every 2 s', scope: '' };

/** After so many readings, two seconds apart, of a Service that gets ever more to do, and others. */
const modelAfter = (rounds: number): Model =>
  Array.from({ length: rounds + 1 }, (_, round) => {
    const n = round * (round + 1);
    const cart = {
      attempts: n * 100,
      refused: n,
      active: 2100,
      pending: 3,
      bytesSent: n * 1e5,
      bytesReceived: n * 2e6,
    };
    const services = [
      port('shop/cart', { ...cart, connectLatency: latency({ 7: n * 90, 14: n }) }),
      port('shop/checkout-with-a-rather-long-name', { attempts: round * 3, rejected: round * 3 }, { port: 8080 }),
      port('kube-system/kube-dns', { datagrams: round * 2400 }, { protocol: 'UDP', port: 53 }),
      ...(round === rounds ? [port('shop/new', { attempts: 7 })] : []),
    ];
    return reading(round * 2000, services, { messages: n * 90, bytes: n * 1e5, fallbacks: { unread: n * 10 } });
  }).reduce(noteReading, EMPTY);

const MODEL = modelAfter(12);

/** The foot stands on the last line, and the lines before it that no Service has are empty. */
const screen = (height: number, above: readonly string[], foot: string): readonly string[] => [
  ...above,
  ...new Array<string>(height - above.length - 1).fill(''),
  foot,
];

describe('the screen', () => {
  test('of 80 columns and 24 lines', () => {
    expect(layout(MODEL, FIRST_VIEW, LOOK, { width: 80, height: 24 })).toEqual(
      screen(
        24,
        [
          'shunt top  node worker-1  every 2 s  by connections',
          'node: 1.2k conn/s  12 failed/s  1.5 rejected/s  2.1k active  out 1.1M/s',
          'socket to socket: 4 sockets  1.1k messages/s (90 %)  1.1M bytes/s (4.8 % of all)',
          'SERVICE                    CONN/S FAIL/S REJ/S ACTIVE   P99 OUT/S  IN/S TREND',
          'shop/cart:80                 1.2k     12     0   2.1k 8.9ms  1.1M   23M ▄▅▅▆▆▇▇█',
          'shop/checkout-with-a…:8080    1.5      0   1.5      0     -     0     0 ████████',
          'kube-system/kube-d…:53/udp      0      0     0      0     -     0     0 ▁▁▁▁▁▁▁▁',
          'shop/new:80                     -      -     -      0     -     -     -',
        ],
        '1 to 4 of 4  q quit  / filter  s sort  r reverse  arrows, PgUp, PgDn scroll',
      ),
    );
  });

  test('of 60 columns and 20 lines, in a locale of ASCII', () => {
    expect(layout(MODEL, FIRST_VIEW, { ...LOOK, isUnicode: false }, { width: 60, height: 20 })).toEqual(
      screen(
        20,
        [
          'shunt top  node worker-1  every 2 s  by connections',
          'node: 1.2k conn/s  12 failed/s  1.5 rejected/s  2.1k active',
          'socket to socket: 4 sockets  1.1k messages/s (90 %)',
          'SERVICE                  CONN/S FAIL/S ACTIVE   P99 TREND',
          'shop/cart:80               1.2k     12   2.1k 8.9ms =++**%%#',
          'shop/checkout-with~:8080    1.5      0      0     - ########',
          'kube-system/kube~:53/udp      0      0      0     - ________',
          'shop/new:80                   -      -      0     -',
        ],
        '1 to 4 of 4  q quit  / filter  s sort  r reverse',
      ),
    );
  });

  test('of 200 columns and 50 lines', () => {
    expect(layout(MODEL, FIRST_VIEW, LOOK, { width: 200, height: 50 })).toEqual(
      screen(
        50,
        [
          'shunt top  node worker-1  every 2 s  by connections',
          'node: 1.2k conn/s  12 failed/s  1.5 rejected/s  2.1k active  out 1.1M/s  in 23M/s  3 pending  1.2k datagrams/s',
          'socket to socket: 4 sockets  1.1k messages/s (90 %)  1.1M bytes/s (4.8 % of all)',
          'SERVICE                                    CONN/S FAIL/S REJ/S ACTIVE PEND   P50   P99 OUT/S  IN/S DGRAM/S TREND',
          'shop/cart:80                                 1.2k     12     0   2.1k    3  96us 8.9ms  1.1M   23M       0                   ▂▂▃▃▄▅▅▆▆▇▇█',
          'shop/checkout-with-a-rather-long-name:8080    1.5      0   1.5      0    0     -     -     0     0       0                   ████████████',
          'kube-system/kube-dns:53/udp                     0      0     0      0    0     -     -     0     0    1.2k                   ▁▁▁▁▁▁▁▁▁▁▁▁',
          'shop/new:80                                     -      -     -      0    0     -     -     -     -       -',
        ],
        '1 to 4 of 4  q quit  / filter  s sort  r reverse  arrows, PgUp, PgDn scroll',
      ),
    );
  });

  test('has the first response times where they are measured', () => {
    const of = (count: number) => ({ firstResponses: { ns: 0, buckets: latency({ 13: count }) } });
    const readings = [0, 4].map((count) => reading(count * 500, [port('shop/cart', of(count)), port('shop/other')]));
    const model = readings.reduce(noteReading, EMPTY);
    expect(layout(model, FIRST_VIEW, LOOK, { width: 111, height: 7 }).slice(3, 6)).toEqual([
      'SERVICE                  CONN/S FAIL/S REJ/S ACTIVE PEND   P50   P99 RESP50 RESP99 OUT/S  IN/S DGRAM/S TREND',
      'shop/cart:80                  0      0     0      0    0     -     -  6.1ms  8.2ms     0     0       0        ▁',
      'shop/other:80                 0      0     0      0    0     -     -      -      -     0     0       0        ▁',
    ]);
    expect(layout(model, FIRST_VIEW, LOOK, { width: 80, height: 7 })[3]).toContain(' RESP99 ');
  });

  test.each([
    { width: 40, height: 6 },
    { width: 31, height: 4 },
    { width: 10, height: 3 },
    { width: 1, height: 1 },
    { width: 0, height: 0 },
    { width: 79, height: 24 },
    { width: 500, height: 200 },
  ])('of $width columns and $height lines is not left', ({ width, height }) => {
    for (const model of [EMPTY, MODEL, noteTrouble(MODEL, 'x'.repeat(600))]) {
      const lines = layout(model, { ...FIRST_VIEW, filterBefore: '', filter: '' }, LOOK, { width, height });
      expect(lines.length).toBe(height);
      expect(Math.max(0, ...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  test('has all columns from 97 on', () => {
    const titles = (width: number) => layout(MODEL, FIRST_VIEW, LOOK, { width, height: 24 })[3]?.split(/ +/).length;
    expect([titles(96), titles(97)]).toEqual([11, 12]);
  });

  test('keeps titles, a Service and the foot when it is low', () => {
    const lines = layout(MODEL, FIRST_VIEW, LOOK, { width: 31, height: 3 });
    expect(lines).toEqual([
      'SERVICE                  CONN/S',
      'shop/cart:80               1.2k',
      '1 to 1 of 4  q quit  / filter',
    ]);
  });

  test('before the first reading says what it waits for', () => {
    const lines = layout(EMPTY, FIRST_VIEW, LOOK, { width: 80, height: 24 });
    expect([lines[0], lines[1], lines.at(-1)]).toEqual([
      'shunt top  every 2 s  by connections',
      '',
      'asking the agent',
    ]);
  });

  test('after the first has what is open, and no rates yet', () => {
    const lines = layout(modelAfter(0), FIRST_VIEW, LOOK, { width: 80, height: 24 });
    expect(lines[1]).toBe('node: - conn/s  - failed/s  - rejected/s  2.1k active  out -/s  in -/s');
  });
});

describe('the screen says', () => {
  const size = { width: 100, height: 24 };
  const AWAY = 'no agent answers at /run/shunt/admin.sock';
  const { sameNode } = reading(0, []);
  const withSameNode = (changes: object) =>
    noteReading(EMPTY, { ...reading(0, []), sameNode: { ...sameNode!, ...changes } });

  test.each([
    { what: 'that the agent is away', model: noteTrouble(MODEL, AWAY), says: `${AWAY}; trying again` },
    { what: 'what is typed', view: { filter: 'sho', filterBefore: '' }, says: '/sho' },
    { what: 'that nothing passes the filter', view: { filter: 'nobody' }, says: 'no Service port  q quit' },
    { what: 'the filter', view: { filter: 'cart' }, says: 'by connections  filter cart' },
    { what: 'the order', view: { sort: 'p99', isReversed: true }, says: 'by p99, reversed' },
    { what: 'what was asked for', look: { scope: 'shop' }, says: 'only shop  every 2 s' },
    { what: 'that its sums are of that', look: { scope: 'shop' }, says: 'these: 1.2k conn/s' },
    { what: 'how far it is scrolled, and no further than there are rows', view: { offset: 9 }, says: '1 to 4 of 4' },
    { what: 'why nothing goes socket to socket', model: withSameNode({ unavailable: 'off' }), says: 'by TCP  off' },
    { what: 'that nobody asks for it', model: withSameNode({ attached: false }), says: 'nobody asks for it' },
    {
      what: 'that the agent cannot tell',
      model: noteReading(EMPTY, { ...reading(0, []), sameNode: undefined }),
      says: 'socket to socket: not known',
    },
  ] as const)('$what', ({ says, ...given }) => {
    const model: Model = 'model' in given ? given.model : MODEL;
    const view = { ...FIRST_VIEW, ...('view' in given ? given.view : {}) };
    expect(layout(model, view, { ...LOOK, ...('look' in given ? given.look : {}) }, size).join('\n')).toContain(says);
  });

  test('no share of bytes where only some Services were asked for', () => {
    const [, , line] = layout(MODEL, FIRST_VIEW, { ...LOOK, scope: 'shop' }, size);
    expect(line).toBe('socket to socket: 4 sockets  1.1k messages/s (90 %)  1.1M bytes/s');
  });

  test('nothing that steers the terminal, whatever objects are called', () => {
    const model = noteReading(EMPTY, { ...reading(0, [port('shop/\x1b[2Jevil')]), node: 'a\x07\u{9b}b' });
    const text = layout(noteTrouble(model, 'x\x1b]0;y'), FIRST_VIEW, LOOK, size).join('');
    expect(text).toMatch(/^[\x20-\x7e…]*$/);
    expect(text).toContain('shop/?[2Jevil:80');
  });

  test('the rows from the offset on', () => {
    const low = { width: 80, height: 7 };
    expect(pageOf(low)).toBe(2);
    const lines = layout(MODEL, { ...FIRST_VIEW, offset: 2 }, LOOK, low);
    expect(lines.slice(4).map((line) => line.split(' ')[0])).toEqual([
      'kube-system/kube-d…:53/udp',
      'shop/new:80',
      '3',
    ]);
  });
});

test('colour marks what is not well, and takes no room', () => {
  const marked = layout(
    MODEL,
    FIRST_VIEW,
    { ...LOOK, style: (format, text) => `<${format}>${text}</>` },
    { width: 80, height: 24 },
  );
  const bare = layout(MODEL, FIRST_VIEW, LOOK, { width: 80, height: 24 });
  expect(marked[4]).toContain('<red>12</>');
  expect(marked[5]).toContain('<yellow>1.5</>');
  expect(marked[5]).not.toContain('<red>');
  expect(marked.map((line) => line.replaceAll(/<[^>]*>/g, '').trimEnd())).toEqual(bare);
});
