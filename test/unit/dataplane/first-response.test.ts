import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SERVICE } from '../../../src/abi/layout.gen.ts';
import { recordMemory } from '../../../src/abi/memory.ts';
import { FIRST_RESPONSE, FirstResponse } from '../../../src/dataplane/kernel/first-response.ts';
import type { Loaded } from '../../../src/dataplane/kernel/load.ts';
import { linkPath, linksPath } from '../../../src/dataplane/kernel/pins.ts';

const bpfRoot = mkdtempSync(join(tmpdir(), 'first-response-'));

afterEach(() => rmSync(bpfRoot, { recursive: true }));

test('a program that nobody asks for and that cannot be taken away fails no change, and is told', () => {
  const services = recordMemory(new ArrayBuffer(SERVICE.size), SERVICE.size, 1);
  const firstResponse = new FirstResponse({ bpfRoot, loaded: () => ({ memory: { services } }) as unknown as Loaded });
  mkdirSync(linksPath(bpfRoot), { recursive: true });
  // No link: nobody can open it as one.
  writeFileSync(linkPath(bpfRoot, FIRST_RESPONSE), '');
  firstResponse.follow();
  expect(firstResponse.unavailable).toBeTruthy();
  rmSync(linkPath(bpfRoot, FIRST_RESPONSE));
  firstResponse.follow();
  expect(firstResponse.unavailable).toBeUndefined();
});
