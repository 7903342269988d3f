import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as layout from '../../../src/abi/layout.gen.ts';

const header = readFileSync('bpf/abi.h', 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
const names = (pattern: RegExp): string[] => [...header.matchAll(pattern)].map(([, name = '']) => name.toUpperCase());

describe('src/abi/layout.gen.ts', () => {
  test.each(names(/\bstruct\s+(\w+)\s*\{/g))('has struct %s', (name) => {
    expect(layout).toHaveProperty([name, 'size']);
  });

  test.each(names(/\benum\s+(\w+)\s*\{/g))('has enum %s', (name) => {
    expect(layout).toHaveProperty([name]);
  });

  test.each(names(/^#define\s+(\w+)[ \t]+\S/gm))('has constant %s', (name) => {
    expect(layout).toHaveProperty([name], expect.any(Number));
  });

  test('has every table of bpf/maps.h', () => {
    const declared = readFileSync('bpf/maps.h', 'utf8').matchAll(/^\} (\w+) SEC\("\.maps"\);$/gm);
    expect(Object.keys(layout.MAPS)).toEqual(Array.from(declared, ([, name]) => name).sort());
  });

  test('names every verdict at its place in the table of verdicts', () => {
    expect(layout.VERDICT_NAMES).toHaveLength(layout.MAPS.verdicts.maxEntries);
    layout.VERDICT_NAMES.forEach((name, index) => {
      expect(layout.VERDICT).toHaveProperty(name.toUpperCase(), index);
    });
  });
});
