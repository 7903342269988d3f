import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPageFiles } from '../../../../src/http/page/files.ts';

describe('files of the page', () => {
  test('are read once, by their names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'shunt-page-'));
    rmSync(directory, { recursive: true });
    expect(() => readPageFiles(directory)).toThrow(expect.objectContaining({ code: 'SHUNT_E_READ' }));
    const files = readPageFiles('src/web');
    expect(files.map(({ path, type }) => `${path} ${type}`)).toEqual(
      expect.arrayContaining([
        '/ text/html; charset=utf-8',
        '/icon.svg image/svg+xml',
        '/base.css text/css; charset=utf-8',
      ]),
    );
    // Sources are none of them.
    expect(files.filter(({ path }) => path.includes('.ts'))).toEqual([]);
  });

  test('have nothing inline, and lead nowhere else', () => {
    const html = readFileSync('src/web/index.html', 'utf8');
    expect(html.match(/<script(?![^>]*\bsrc="\/)|<style|\son[a-z]+=|\sstyle=|https?:|javascript:/g)).toBeNull();
    const styles = readdirSync('src/web').filter((name) => name.endsWith('.css'));
    for (const name of styles)
      expect(readFileSync(`src/web/${name}`, 'utf8').match(/@import|https?:/g), name).toBeNull();
    const named = [...html.matchAll(/(?:href|src)="\/([^"]+)"/g)].map(([, name = '']) => name.replace(/\.js$/, '.ts'));
    expect(named.toSorted()).toEqual([...styles, 'icon.svg', 'main.ts'].toSorted());
    for (const name of named) expect(existsSync(`src/web/${name}`), name).toBe(true);
  });
});
