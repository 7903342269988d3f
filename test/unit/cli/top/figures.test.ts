import { describe, expect, test } from 'vitest';
import { byteFigure, figure, latencyFigure } from '../../../../src/cli/top/figures.ts';
import { isUnicodeLocale, sparkline } from '../../../../src/cli/top/sparkline.ts';

describe('figures', () => {
  test.each([
    { text: figure(undefined), is: '-' },
    { text: figure(0), is: '0' },
    { text: figure(0.001), is: '<0.1' },
    { text: figure(0.3), is: '0.3' },
    { text: figure(9.94), is: '9.9' },
    { text: figure(9.96), is: '10' },
    { text: figure(999.4), is: '999' },
    { text: figure(999.6), is: '1k' },
    { text: figure(1234), is: '1.2k' },
    { text: figure(123_456_789), is: '123M' },
    { text: byteFigure(1023), is: '1K' },
    { text: byteFigure(1536), is: '1.5K' },
    { text: byteFigure(12 * 2 ** 20), is: '12M' },
    { text: byteFigure(undefined), is: '-' },
    { text: latencyFigure(0.01), is: '<0.1us' },
    { text: latencyFigure(850), is: '850us' },
    { text: latencyFigure(1200), is: '1.2ms' },
    { text: latencyFigure(34_000_000), is: '34s' },
    { text: latencyFigure(undefined), is: '-' },
  ])('$is', ({ text, is }) => {
    expect(text).toBe(is);
  });
});

describe('a sparkline', () => {
  test.each([
    { what: 'rises with its values', values: [0, 1, 2, 3, 4, 5, 6, 7], width: 8, is: '▁▂▃▄▅▆▇█', ascii: '_.-=+*%#' },
    { what: 'never shows little as nothing', values: [0, 1, 100_000], width: 3, is: '▁▂█', ascii: '_.#' },
    { what: 'keeps the newest, at the right', values: [900, 0, 5], width: 2, is: '▁█', ascii: '_#' },
    { what: 'leaves blanks for what is not known', values: [undefined, 0, 5], width: 5, is: '   ▁█', ascii: '   _#' },
    { what: 'is low where nothing happens', values: [0, 0], width: 2, is: '▁▁', ascii: '__' },
    { what: 'needs no room', values: [1, 2], width: 0, is: '', ascii: '' },
  ])('$what', ({ values, width, is, ascii }) => {
    expect(sparkline(values, width, true)).toBe(is);
    expect(sparkline(values, width, false)).toBe(ascii);
  });

  test.each([
    { env: {}, is: false },
    { env: { LANG: 'C' }, is: false },
    { env: { LANG: 'C.UTF-8' }, is: true },
    { env: { LANG: 'de_DE.utf8' }, is: true },
    { env: { LANG: 'C.UTF-8', LC_CTYPE: 'POSIX' }, is: false },
    { env: { LANG: 'C.UTF-8', LC_ALL: 'C' }, is: false },
    { env: { LANG: 'C', LC_ALL: '', LC_CTYPE: 'en_US.UTF-8' }, is: true },
  ])('has blocks with $env: $is', ({ env, is }) => {
    expect(isUnicodeLocale(env)).toBe(is);
  });
});
