/**
 * One character for each of the last `width` values, the newest at the right; as high as its share of the highest of
 * them. The lowest mark is for 0 alone; a value that is not known is a blank.
 */
export const sparkline = (values: readonly (number | undefined)[], width: number, isUnicode: boolean): string => {
  const shown = width > 0 ? values.slice(-width) : [];
  const marks = isUnicode ? BLOCKS : LETTERS;
  const most = shown.reduce<number>((highest, value) => Math.max(highest, value ?? 0), 0);
  const mark = (value: number | undefined): string | undefined => {
    if (value === undefined) return ' ';
    return marks[value === 0 ? 0 : Math.max(1, Math.round((value / most) * (marks.length - 1)))];
  };
  return shown.map(mark).join('').padStart(width);
};

const BLOCKS = [...'▁▂▃▄▅▆▇█'];
const LETTERS = [...'_.-=+*%#'];

/** Whether characters beyond ASCII arrive as what they are: the first that is set counts (POSIX, 8.2). */
export const isUnicodeLocale = (env: Readonly<Record<string, string | undefined>>): boolean =>
  /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
