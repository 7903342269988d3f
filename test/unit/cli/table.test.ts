import { describe, expect, test } from 'vitest';
import { bytes, count, duration, milliseconds, percent, plural } from '../../../src/cli/numbers.ts';
import { parseQuestion } from '../../../src/cli/question.ts';
import { type Column, renderTable } from '../../../src/cli/table.ts';
import { nearest } from '../../../src/core/nearest.ts';

type Row = readonly [string, string];
const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', text: ([name]) => name },
  { title: 'COUNT', align: 'right', text: ([, number]) => number },
];
const ROWS: readonly Row[] = [
  ['a-rather-long-name', '7'],
  ['b', '1,234'],
];

describe('renderTable', () => {
  test('aligns texts to the left and numbers to the right', () => {
    expect(renderTable(COLUMNS, ROWS)).toBe(
      ['NAME                COUNT', 'a-rather-long-name      7', 'b                   1,234', ''].join('\n'),
    );
  });

  test('cuts the widest column so that lines fit the terminal', () => {
    const table = renderTable(COLUMNS, ROWS, { width: 16 });
    expect(table).toBe(['NAME       COUNT', 'a-rather…      7', 'b          1,234', ''].join('\n'));
  });

  test('does not cut a column below eight characters, however narrow the terminal', () => {
    expect(renderTable(COLUMNS, ROWS, { width: 3 })).toContain('a-rathe…');
  });

  test('styles the text and not the padding', () => {
    const table = renderTable(
      [{ ...COLUMNS[0], format: () => 'red' } as Column<Row>, COLUMNS[1] as Column<Row>],
      ROWS,
      {
        style: (format, text) => `<${String(format)}>${text}</>`,
      },
    );
    expect(table).toContain('<red>b</>                   1,234');
  });
});

describe('numbers', () => {
  test.each([
    [percent(0.5), '50 %'],
    [percent(1 / 3), '33.3 %'],
    [percent(0.0002), '0.02 %'],
    [percent(0.9999), '99.99 %'],
    [percent(0.999999), '> 99.99 %'],
    [percent(0.000001), '< 0.01 %'],
    [percent(0), '0 %'],
    [percent(1), '100 %'],
    [bytes(0), '0 B'],
    [bytes(1023), '1023 B'],
    [bytes(2048), '2.0 KiB'],
    [bytes(3_000_000), '2.9 MiB'],
    [bytes(2 ** 60), '1024 PiB'],
    [count(1234567), '1,234,567'],
    [duration(999), '0s'],
    [duration(65_000), '1m 5s'],
    [duration(90_000_000), '1d 1h'],
    [milliseconds(0.44), '0.4 ms'],
    [milliseconds(12.4), '12 ms'],
  ])('%s is %s', (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe('parseQuestion', () => {
  test.each([
    ['10.96.0.10:80', { address: '10.96.0.10', port: 80, protocol: 'TCP' }],
    ['10.96.0.10:53/udp', { address: '10.96.0.10', port: 53, protocol: 'UDP' }],
    ['10.96.0.10:53/TCP', { address: '10.96.0.10', port: 53, protocol: 'TCP' }],
    ['[FD00:10:96:0::77]:7070', { address: 'fd00:10:96::77', port: 7070, protocol: 'TCP' }],
  ])('reads %s', (text, question) => {
    expect(parseQuestion('explain', text)).toEqual(question);
  });

  test.each(['10.96.0.10', '10.96.0.10:http', '::1:80', '10.96.0.10:80/sctp', '10.96.0.10:70000', 'cart:80', ''])(
    'refuses `%s`',
    (text) => {
      expect(() => parseQuestion('explain', text)).toThrow(expect.objectContaining({ code: 'SHUNT_E_ARGUMENTS' }));
    },
  );
});

test.each([
  ['stat', 'status'],
  ['expalin', 'explain'],
  ['doktor', 'doctor'],
])('the nearest to %s is %s', (word, expected) => {
  expect(nearest(word, ['run', 'status', 'explain', 'doctor'])).toBe(expected);
});

test.each([
  [1, 'TrafficPolicy', '1 TrafficPolicy'],
  [0, 'TrafficPolicy', '0 TrafficPolicies'],
  [2, 'address', '2 addresses'],
  [1000, 'error', '1,000 errors'],
  [2, 'key', '2 keys'],
])('%i of %s is written %s', (number, noun, text) => {
  expect(plural(number, noun)).toBe(text);
});
