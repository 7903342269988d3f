import { type ObjectRead, readObject } from '../../src/core/desire/read.ts';

/** What Shunt makes of an object, for tests of reading. */
export const read = (raw: unknown): ObjectRead => readObject(raw, (text) => text);

/** `error spec.type: ...`, one line a complaint. */
export const complaintsOf = (raw: unknown): readonly string[] => {
  const result = read(raw);
  return result.outcome === 'unused'
    ? []
    : result.complaints.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
};

/** What was read, or how it was not. */
export const objectOf = (raw: unknown): unknown => {
  const result = read(raw);
  return result.outcome === 'object' ? result.object : result;
};
