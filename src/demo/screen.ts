import type { Environment, Output } from '../cli/context.ts';
import type { Claim } from '../cli/parts.ts';
import { styleFor } from '../cli/style.ts';
import { renderTable } from '../cli/table.ts';
import { shareBar } from './bar.ts';
import type { Tally } from './tally.ts';

/** What a person sees of the story. */
export interface Screen {
  /** Begins a part, or says how all of it ended. */
  heading(text: string): void;
  /** What is done now. */
  say(text: string): void;
  /** Text of another program, broken at the edge. */
  block(lines: readonly string[]): void;
  /** What came out. */
  result(holds: boolean, lines: readonly string[]): void;
  /** Lines below everything that replace the last ones, on a terminal only; none: they go. */
  live(lines: readonly string[]): void;
  /** Who answered, as bars. */
  bars(tally: Tally): readonly string[];
  summary(claims: readonly Claim[]): void;
}

const WIDTH_MAX = 80;
const INDENT = '  ';
/** Lines that the terminal breaks cannot be replaced. */
const LIVE_WIDTH_MIN = 72;

export const createScreen = (output: Output, env: Environment): Screen => {
  const width = Math.min(output.columns ?? WIDTH_MAX, WIDTH_MAX);
  const style = styleFor(output, env);
  const terminal = output.isTTY === true && env.TERM !== 'dumb' && width >= LIVE_WIDTH_MIN;
  let shown: readonly string[] = [];

  const erase = (): string => (shown.length === 0 ? '' : `\x1b[${shown.length}A\x1b[0J`);
  /** Above the live lines, in one write: nothing flickers. */
  const print = (lines: readonly string[]): void => {
    output.write(erase() + [...lines, ...shown].map((line) => `${line}\n`).join(''));
  };
  return {
    heading: (text) => print(['', style('bold', text)]),
    say: (text) => print([INDENT + text]),
    block: (lines) => print(['', ...lines.flatMap((line) => wrap(line, width)), '']),
    result: (holds, lines) => {
      const mark = holds ? style('green', 'holds ') : style('red', 'FAILS ');
      const last = lines.length - 1;
      print(lines.map((line, index) => INDENT + (index === last ? `${mark} ${line}` : line)));
    },
    live: (lines) => {
      if (!terminal) return;
      const before = erase();
      shown = lines.map((line) => INDENT + line);
      output.write(before + shown.map((line) => `${line}\n`).join(''));
    },
    bars: ({ login, register }) => [
      `login     ${shareBar(login, BAR_WIDTH, style)}`,
      `register  ${shareBar(register, BAR_WIDTH, style)}`,
    ],
    summary: (claims) => {
      const columns = [
        {
          title: '',
          text: ({ holds }: Claim) => (holds ? 'holds' : 'FAILS'),
          format: ({ holds }: Claim) => (holds ? 'green' : 'red') as 'green' | 'red',
        },
        { title: 'CLAIM', text: ({ name }: Claim) => name },
        { title: 'MEASURED', text: ({ summary }: Claim) => summary },
      ];
      print(['', ...renderTable(columns, claims, { width, style }).trimEnd().split('\n')]);
    },
  };
};

/** For machines, who get the figures alone. */
export const silentScreen: Screen = {
  heading: () => {},
  say: () => {},
  block: () => {},
  result: () => {},
  live: () => {},
  bars: () => [],
  summary: () => {},
};

const BAR_WIDTH = 36;

/** Breaks between words; what follows is set in further. */
const wrap = (line: string, width: number): readonly string[] => {
  const own = /^ */.exec(line)?.[0] ?? '';
  const lines: string[] = [];
  let rest = line === '' ? '' : INDENT + line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    if (space <= own.length + INDENT.length) break;
    lines.push(rest.slice(0, space).trimEnd());
    rest = `${INDENT}${own}${INDENT}${rest.slice(space + 1).trimStart()}`;
  }
  return [...lines, rest];
};
