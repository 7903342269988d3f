import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const KERNEL = 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause';
const EVERYTHING_ELSE = 'SPDX-License-Identifier: Apache-2.0';

/** Programs under the kernel's licence, and what is compiled into them. */
const isKernelCode = (path: string, text: string): boolean =>
  path.startsWith('bpf/') || text.includes('"Dual BSD/GPL"');

describe('the first line names the licence of', () => {
  test.each(globSync('{bpf,native,test,bench}/**/*.{c,h}'))('%s', (path) => {
    const text = readFileSync(path, 'utf8');
    expect(text.split('\n')[0]).toContain(isKernelCode(path, text) ? KERNEL : EVERYTHING_ELSE);
  });
});
