import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, test } from 'vitest';
import { DirectoryWatch } from '../../../src/agent/directory-watch.ts';
import { retryUntil } from '../../helpers/retry.ts';

let root: string;
let hints: number;
let watched: DirectoryWatch;

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-watch-'));
  hints = 0;
  watched = new DirectoryWatch(() => hints++);
});

afterEach(() => {
  watched.follow([]);
  rmSync(root, { recursive: true });
});

test('a name that comes in a directory is a hint', async () => {
  watched.follow([root]);
  mkdirSync(join(root, 'pod'));
  await retryUntil(() => hints > 0);
});

test('a directory that was removed and made anew is watched once it is followed again', async () => {
  const path = join(root, 'burstable');
  mkdirSync(path);
  watched.follow([path]);
  rmSync(path, { recursive: true });
  mkdirSync(path);
  watched.follow([path]);
  await sleep(50);
  hints = 0;
  mkdirSync(join(path, 'pod'));
  await retryUntil(() => hints > 0);
});

test('one that stays the same is watched on, without a gap', async () => {
  watched.follow([root]);
  mkdirSync(join(root, 'pod'));
  watched.follow([root]);
  await retryUntil(() => hints > 0);
});
