import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadedRoots } from '../../../src/dataplane/kernel/pins.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-pins-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

test('Shunt is loaded where a program is pinned, and nowhere else', () => {
  for (const name of ['b/links', 'a/links', 'left/links', 'other/set-1-1']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  writeFileSync(join(directory, 'progs.debug'), '');
  for (const name of ['a', 'b']) writeFileSync(join(directory, name, 'links', 'shunt_connect4'), '');
  expect(loadedRoots(directory)).toEqual([join(directory, 'a'), join(directory, 'b')]);
  expect(loadedRoots(join(directory, 'none'))).toEqual([]);
});
