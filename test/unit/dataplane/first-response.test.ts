import { existsSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SERVICE, SERVICE_MEASURED } from '../../../src/abi/layout.gen.ts';
import { recordMemory, storeWord } from '../../../src/abi/memory.ts';
import { FirstResponse } from '../../../src/dataplane/kernel/first-response.ts';
import type { Loaded } from '../../../src/dataplane/kernel/load.ts';

/** What is attached when the kernel refuses something; pins are files here. */

const kernel = vi.hoisted(() => ({ refuses: false, keepsLinks: false }));

vi.mock(import('../../../src/dataplane/kernel/load.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  readBuilt: () => new Uint8Array(),
  prepareReusing: () => undefined,
}));

vi.mock('../../../src/native/object.ts', () => ({
  openObject: () => ({
    load: () => {
      if (kernel.refuses) throw new Error('refused');
    },
    program: () => 1,
    [Symbol.dispose]: () => undefined,
  }),
}));

vi.mock('../../../src/native/program.ts', () => ({ attachTracepoint: () => 2 }));

vi.mock('../../../src/native/descriptor.ts', () => ({
  closeFd: () => undefined,
  pin: (_: number, path: string) => writeFileSync(path, ''),
}));

vi.mock('../../../src/dataplane/kernel/attach.ts', () => ({
  removeLink: (path: string) => {
    if (kernel.keepsLinks) throw new Error('kept');
    unlinkSync(path);
  },
}));

let bpfRoot: string;
let tables: Loaded;
let firstResponse: FirstResponse;

const newTables = (flags: number): Loaded => {
  const services = recordMemory(new ArrayBuffer(SERVICE.size), SERVICE.size, 1);
  storeWord(services, 0, SERVICE.generation, 1);
  storeWord(services, 0, SERVICE.flags, flags);
  return { memory: { services }, maps: {}, features: { atomics: true } } as unknown as Loaded;
};

const isAttached = (): boolean => existsSync(join(bpfRoot, 'links', 'shunt_first_response'));

beforeEach(() => {
  bpfRoot = mkdtempSync(join(tmpdir(), 'first-response-'));
  mkdirSync(join(bpfRoot, 'links'));
  Object.assign(kernel, { refuses: false, keepsLinks: false });
  tables = newTables(SERVICE_MEASURED);
  firstResponse = new FirstResponse({ bpfRoot, loaded: () => tables });
  firstResponse.follow();
});

afterEach(() => rmSync(bpfRoot, { recursive: true }));

test('what reads tables that are not in force any more does not stay where the kernel refuses the next', () => {
  expect([isAttached(), firstResponse.unavailable]).toEqual([true, undefined]);
  kernel.refuses = true;
  tables = newTables(SERVICE_MEASURED);
  firstResponse.follow();
  expect(firstResponse.unavailable).toContain('refused');
  expect([isAttached(), firstResponse.isLost]).toEqual([false, false]);
});

test('what somebody took away and the kernel refuses now is not missed for ever', () => {
  unlinkSync(join(bpfRoot, 'links', 'shunt_first_response'));
  expect(firstResponse.isLost).toBe(true);
  kernel.refuses = true;
  firstResponse.follow();
  expect(firstResponse.isLost).toBe(false);
  expect(firstResponse.unavailable).toContain('refused');
});

test('a link that cannot be removed fails nobody who changes Services', () => {
  kernel.keepsLinks = true;
  tables = newTables(0);
  firstResponse.follow();
  expect(firstResponse.unavailable).toBe('kept');
  kernel.keepsLinks = false;
  firstResponse.follow();
  expect([isAttached(), firstResponse.unavailable]).toEqual([false, undefined]);
});
