import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode, ShuntError } from '../../../src/errors.ts';

const entries = Object.entries(ERRORS);
const sources = globSync('src/**/*.ts', { exclude: ['src/errors.ts'] }).map((path) => readFileSync(path, 'utf8'));

describe('the registry of errors', () => {
  test.each(entries)(
    '%s has a code of the usual form, an exit status and help that ends in a full stop',
    (code, entry) => {
      expect(code).toMatch(/^SHUNT_E_[A-Z0-9_]+$/);
      expect([1, 2, 70]).toContain(entry.status);
      expect(entry.help).toMatch(/[.?]$/);
    },
  );

  test.each(entries)('%s is raised somewhere', (code) => {
    expect(sources.some((source) => source.includes(`'${code}'`))).toBe(true);
  });

  test.each(entries)('%s fills in every placeholder', (code, { message, help }) => {
    const names = [...`${message} ${help}`.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const error = new ShuntError(code as ErrorCode, Object.fromEntries(names.map((name) => [name, `<${name}>`])));
    expect(`${error.message} ${error.help}`).not.toMatch(/[{}]/);
  });
});
