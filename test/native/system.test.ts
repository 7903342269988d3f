import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { errnoOf } from '../../src/native/kernel-error.ts';
import { keepMemoryLow, releaseMemory } from '../../src/native/release.ts';
import {
  isBpffs,
  liftMemoryLock,
  mountBpffs,
  possibleCpus,
  trimMemory,
  waitPrograms,
} from '../../src/native/system.ts';
import { makeDirectory } from './sample.ts';

describe('the system', () => {
  it('has as many possible CPUs as the kernel says', () => {
    const last = /(\d+)\s*$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'utf8'))?.[1];
    expect(possibleCpus()).toBe(Number(last) + 1);
  });

  it('mounts a bpffs and knows one', () => {
    using directory = makeDirectory();
    expect(isBpffs(directory.path)).toBe(false);
    mountBpffs(directory.path);
    try {
      expect(isBpffs(directory.path)).toBe(true);
    } finally {
      execFileSync('umount', [directory.path]);
    }
    expect(() => isBpffs('/nowhere')).toThrow('isBpffs: ENOENT: statfs /nowhere: No such file or directory');
    expect(() => mountBpffs('/nowhere')).toThrow('mountBpffs: ENOENT');
  });

  it('waits for running programs while other work goes on, and leaves nothing behind', async () => {
    await waitPrograms();
    const files = countFiles();
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    for (let round = 0; round < 5; round++) await waitPrograms();
    clearInterval(turning);
    expect(turns).toBeGreaterThan(0);
    expect(countFiles()).toBe(files);
  });

  it('gives memory that is not used any more back', () => {
    let texts: string[] | undefined = Array.from({ length: 1_000_000 }, (_, index) => `text ${index} `.repeat(3));
    expect(texts.at(-1)).toContain('999999');
    const full = process.memoryUsage.rss();
    texts = undefined;
    releaseMemory();
    expect(process.memoryUsage.rss()).toBeLessThan(full - 20_000_000);
    expect(trimMemory()).toBeTypeOf('boolean');
  });

  it('gives memory back by itself when it has grown', async () => {
    releaseMemory();
    const stop = keepMemoryLow({ checkMs: 20, grownBytes: 10_000_000 });
    try {
      let texts: string[] | undefined = Array.from({ length: 1_000_000 }, (_, index) => `text ${index} `.repeat(3));
      const full = process.memoryUsage.rss();
      expect(texts).toHaveLength(1_000_000);
      texts = undefined;
      await vi.waitFor(() => expect(process.memoryUsage.rss()).toBeLessThan(full - 20_000_000), 5000);
    } finally {
      stop();
    }
  });

  it('lifts the memory lock limit, or says that it may not', () => {
    try {
      liftMemoryLock();
    } catch (error) {
      expect(errnoOf(error)).toBe('EPERM');
      return;
    }
    expect(readFileSync('/proc/self/limits', 'utf8')).toMatch(/Max locked memory\s+unlimited\s+unlimited/);
  });
});

const countFiles = (): number => readdirSync('/proc/self/fd').length;
