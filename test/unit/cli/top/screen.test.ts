import { expect, test } from 'vitest';
import { Screen } from '../../../../src/cli/top/screen.ts';

const ESCAPE = '\x1b[';

/** What a terminal shows that knows what `Screen` writes. */
const terminal = () => {
  let shown: string[] = [];
  let row = 0;
  let written = 0;
  const write = (text: string): void => {
    written += text.length;
    for (const sequence of text.split(ESCAPE)) {
      const at = /^(\d+);1H$/.exec(sequence)?.[1];
      if (sequence === '2J') shown = [];
      else if (at !== undefined) row = Number(at) - 1;
      else if (sequence.startsWith('2K')) shown[row] = sequence.slice(2);
      else expect(sequence).toBe('');
    }
  };
  return { write, shown: () => Array.from(shown, (line) => line ?? ''), written: () => written };
};

test('the screen shows the lines that were painted last, and only what changed is written', () => {
  const { write, shown, written } = terminal();
  const screen = new Screen({ write });
  screen.paint(['a', 'b', 'c']);
  expect(shown()).toEqual(['a', 'b', 'c']);
  const before = written();
  screen.paint(['a', 'b', 'c']);
  expect(written()).toBe(before);
  screen.paint(['a', 'x', 'c']);
  expect(shown()).toEqual(['a', 'x', 'c']);
  expect(written() - before).toBeLessThan(12);
  screen.paint(['a']);
  expect(shown()).toEqual(['a', '', '']);
});

test('after it was cleared everything is written again', () => {
  const { write, shown } = terminal();
  const screen = new Screen({ write });
  screen.paint(['a', 'b']);
  screen.clear();
  expect(shown()).toEqual([]);
  screen.paint(['a', 'b']);
  expect(shown()).toEqual(['a', 'b']);
});
