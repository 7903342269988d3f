import { describe, expect, test } from 'vitest';
import { createScreen } from '../../../src/demo/screen.ts';

const UP = (lines: number): string => `\x1b[${lines}A\x1b[0J`;

describe('on a terminal', () => {
  test('live lines are replaced, and stay below what is said', () => {
    const { screen, written } = record({ isTTY: true, columns: 80 }, { NO_COLOR: '1' });
    screen.live(['one', 'two']);
    screen.say('said');
    screen.live(['three']);
    screen.live([]);
    expect(written).toEqual(['  one\n  two\n', `${UP(2)}  said\n  one\n  two\n`, `${UP(2)}  three\n`, UP(1)]);
  });

  test.each([
    { why: 'too narrow', output: { isTTY: true, columns: 60 }, env: {} },
    { why: 'without cursor movement', output: { isTTY: true, columns: 80 }, env: { TERM: 'dumb' } },
  ])('$why there are no live lines', ({ output, env }) => {
    const { screen, written } = record(output, env);
    screen.live(['one']);
    screen.live([]);
    expect(written.join('')).toBe('');
  });

  test('a result is coloured, unless NO_COLOR is set', () => {
    const coloured = record({ isTTY: true, columns: 80 }, {});
    coloured.screen.result(true, ['it is so']);
    expect(coloured.written.join('')).toContain('\x1b[32m');
    const plain = record({ isTTY: true, columns: 80 }, { NO_COLOR: '1' });
    plain.screen.result(true, ['it is so']);
    expect(plain.written.join('')).toBe('  holds  it is so\n');
  });
});

describe('elsewhere', () => {
  test('nothing is live and nothing is coloured', () => {
    const { screen, written } = record({}, {});
    screen.live(['one']);
    screen.heading('1  A claim');
    screen.result(false, ['measured', 'it is not so']);
    expect(written.join('')).toBe('\n1  A claim\n  measured\n  FAILS  it is not so\n');
  });

  test('the text of another program is broken between words at 80 columns, and set in', () => {
    const { screen, written } = record({}, {});
    screen.block(['short', '', `  ${'word '.repeat(20).trim()}`]);
    const lines = written.join('').split('\n');
    expect(lines.every((line) => line.length <= 80 && line === line.trimEnd())).toBe(true);
    expect(lines.slice(0, 4)).toEqual(['', '  short', '', `    ${'word '.repeat(15).trim()}`]);
    expect(lines[4]).toBe(`      ${'word '.repeat(5).trim()}`);
  });

  test('the summary names what holds and what does not', () => {
    const { screen, written } = record({}, {});
    screen.summary([
      { name: 'first', claim: '', holds: true, figure: {}, summary: '0 of 5' },
      { name: 'second', claim: '', holds: false, figure: {}, summary: '5 of 5' },
    ]);
    expect(written.join('')).toBe('\n       CLAIM   MEASURED\nholds  first   0 of 5\nFAILS  second  5 of 5\n');
  });
});

const record = (output: { isTTY?: boolean; columns?: number }, env: Record<string, string>) => {
  const written: string[] = [];
  return { screen: createScreen({ ...output, write: (text) => written.push(text) }, env), written };
};
