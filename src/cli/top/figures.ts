/** Numbers in 5 characters at most. */

/** `0`, `0.3`, `42`, `1.2k`, `999M`; `-`: not known. */
export const figure = (value: number | undefined): string => (value === undefined ? '-' : scaled(value, 1000, COUNTS));

/** `512`, `1.5K`, `12M`: of 1,024. */
export const byteFigure = (value: number | undefined): string =>
  value === undefined ? '-' : scaled(value, 1024, BYTES);

/** `850us`, `1.2ms`, `34s`. */
export const latencyFigure = (us: number | undefined): string => (us === undefined ? '-' : scaled(us, 1000, DURATIONS));

const COUNTS = ['', 'k', 'M', 'G', 'T'] as const;
const BYTES = ['', 'K', 'M', 'G', 'T', 'P'] as const;
const DURATIONS = ['us', 'ms', 's'] as const;

/** Two digits or three, and never a 0 that is none. */
const scaled = (value: number, base: number, units: readonly string[]): string => {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= base;
    unit += 1;
  }
  if (rest > 0 && rest < 0.05) return `<0.1${units[unit]}`;
  return `${rest < 9.95 ? Number(rest.toFixed(1)) : Math.round(rest)}${units[unit]}`;
};
