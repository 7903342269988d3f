/** `50 %`, `33.3 %`, `0.02 %`: three digits at most, and never a rounded 0 or 100. */
export const percent = (share: number): string => {
  const value = share * 100;
  if (value > 0 && value < 0.01) return '< 0.01 %';
  if (value < 100 && value > 99.99) return '> 99.99 %';
  const digits = value < 1 || value > 99 ? 2 : 1;
  return `${Number(value.toFixed(digits))} %`;
};

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export const bytes = (count: number): string => {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
};

/** `1,234,567`, the same on every machine. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 error`, `2 addresses`, `3 TrafficPolicies`. */
export const plural = (number: number, noun: string): string =>
  `${count(number)} ${number === 1 ? noun : pluralOf(noun)}`;

const pluralOf = (noun: string): string => {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return noun.endsWith('s') ? `${noun}es` : `${noun}s`;
};

/** `3d 4h`, `12m 5s`: the two largest units. */
export const duration = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2);
  return shown.map(([value, unit]) => `${value}${unit}`).join(' ');
};

/** `12 ms`, `0.4 ms`. */
export const milliseconds = (ms: number): string => `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export const socketText = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
