import type { Row } from './wire.ts';

/** Figures as the page shows them: few digits, always with what they are in. */

const UNKNOWN = '–';

/** `0`, `0.3`, `42`, `1.2 k`. */
export const figure = (value: number | undefined): string => (value === undefined ? UNKNOWN : scaled(value, COUNTS));

/** `850 µs`, `1.2 ms`, `34 s`. */
export const latency = (us: number | undefined): string => (us === undefined ? UNKNOWN : scaled(us, DURATIONS));

/** `512 B`, `1.5 kB`, `12 MB`: of 1,000. */
export const bytes = (value: number | undefined): string => (value === undefined ? UNKNOWN : scaled(value, BYTES));

const COUNTS = ['', 'k', 'M', 'G'] as const;
const DURATIONS = ['µs', 'ms', 's'] as const;
const BYTES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Two digits or three, and never a 0 that is none. */
const scaled = (value: number, units: readonly string[]): string => {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = rest < 9.95 ? String(Number(rest.toFixed(1))) : String(Math.round(rest));
  const shown = rest > 0 && rest < 0.05 ? '< 0.1' : digits;
  return `${shown} ${units[unit]}`.trimEnd();
};

/** `50 %`, `33.3 %`, `0.02 %`: three digits at most, and never a rounded 0 or 100. */
export const percent = (share: number | undefined): string => {
  if (share === undefined) return UNKNOWN;
  const value = share * 100;
  if (value > 0 && value < 0.01) return '< 0.01 %';
  if (value < 100 && value > 99.99) return '> 99.99 %';
  const digits = value < 1 || value > 99 ? 2 : 1;
  return `${Number(value.toFixed(digits))} %`;
};

/** `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 error`, `2 errors`. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** `45 s`, `2 min 5 s`, `3 h 20 min`, `12 d 4 h`. */
export const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
};

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export const socketText = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Behind an address, as `shunt explain` takes it. */
export const suffixOf = (protocol: 'TCP' | 'UDP'): string => (protocol === 'UDP' ? '/udp' : '');

/** `shop/cart:80`, `kube-system/kube-dns:53/udp`. */
export const portText = (of: Pick<Row, 'namespace' | 'service' | 'port' | 'protocol'>): string =>
  `${of.namespace}/${of.service}:${of.port}${suffixOf(of.protocol)}`;

/** `14:03:22.051`, of this machine's clock and zone, as logs have it. */
export const timeOfDay = (atMs: number): string => {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
};
