/** What Shunt promises, and whether the last measurement held it. */
export interface Bar {
  readonly what: string;
  readonly limit: string;
  readonly measured: string;
  readonly held: boolean;
}

export type Format = (value: number) => string;

export const atMost = (what: string, value: number, limit: number, format: Format): Bar => ({
  what,
  limit: `at most ${format(limit)}`,
  measured: format(value),
  held: value <= limit,
});

export const atLeast = (what: string, value: number, limit: number, format: Format): Bar => ({
  what,
  limit: `at least ${format(limit)}`,
  measured: format(value),
  held: value >= limit,
});

export const percent: Format = (share) => `${(share * 100).toFixed(1)} %`;
export const times: Format = (ratio) => `${ratio.toFixed(2)} times`;
export const nanoseconds: Format = (ns) => `${count(ns)} ns`;
export const milliseconds: Format = (ms) => `${ms.toFixed(1)} ms`;
export const seconds: Format = (s) => `${s.toFixed(2)} s`;
export const mebibytes: Format = (size) => `${size.toFixed(1)} MiB`;
/** Of a probability. */
export const likelihood: Format = (p) => (p < 0.001 ? p.toExponential(1) : p.toFixed(3));
export const deviations: Format = (off) => `${off.toFixed(2)} standard deviations`;
export const points: Format = (share) => `${(share * 100).toFixed(2)} points`;
export const count: Format = (number) => number.toLocaleString('en-US');
