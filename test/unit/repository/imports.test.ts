import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

/** Which file may import what, by the linter's own verdict over one file for each row. */
const allowed: readonly Row[] = [
  ['src/core/plan/row.ts', '../model/objects.ts'],
  ['src/core/plan/row.ts', './transaction.ts'],
  ['src/core/row.ts', '../errors.ts'],
  ['src/abi/row.ts', '../core/plan/transaction.ts'],
  ['src/native/row.ts', 'koffi'],
  ['src/native/row.ts', '../errors.ts'],
  ['src/dataplane/row.ts', '../core/plan/transaction.ts'],
  ['src/dataplane/row.ts', '../abi/layout.gen.ts'],
  ['src/dataplane/kernel.ts', '../native/map.ts'],
  ['src/dataplane/kernel/row.ts', '../../native/map.ts'],
  ['src/sources/row.ts', '../core/desire/read.ts'],
  ['src/sources/row.ts', 'yaml'],
  ['src/observe/row.ts', '../dataplane/dataplane.ts'],
  ['src/agent/row.ts', '../dataplane/dataplane.ts'],
  ['src/agent/row.ts', '../sources/source.ts'],
  ['src/agent/row.ts', '../core/plan/plan.ts'],
  ['src/http/row.ts', '../agent/view.ts'],
  ['src/http/row.ts', '../web/wire.ts'],
  ['src/http/page/row.ts', '../../web/wire.ts'],
  ['src/web/row.ts', './wire.ts'],
  ['src/cli/row.ts', '../agent/view.ts'],
  ['src/cli/row.ts', '../core/explain.ts'],
  ['src/main.ts', './dataplane/kernel.ts'],
  ['src/main.ts', './sources/file.ts'],
];

const forbidden: readonly Row[] = [
  ['src/core/plan/row.ts', 'node:fs'],
  ['src/core/plan/row.ts', 'yaml'],
  ['src/core/plan/row.ts', '@scope/package'],
  ['src/core/plan/row.ts', '../../abi/layout.gen.ts'],
  ['src/core/row.ts', '../native/map.ts'],
  ['src/core/row.ts', '../dataplane/dataplane.ts'],
  ['src/core/row.ts', '../main.ts'],
  ['src/abi/row.ts', '../dataplane/dataplane.ts'],
  ['src/abi/row.ts', '../native/map.ts'],
  ['src/native/row.ts', '../core/model/objects.ts'],
  ['src/native/row.ts', '../abi/layout.gen.ts'],
  ['src/dataplane/row.ts', '../native/map.ts'],
  ['src/dataplane/row.ts', 'koffi'],
  ['src/dataplane/kernel/row.ts', '../../agent/view.ts'],
  ['src/dataplane/kernel/row.ts', 'koffi'],
  ['src/sources/row.ts', '../dataplane/dataplane.ts'],
  ['src/sources/row.ts', '../agent/view.ts'],
  ['src/observe/row.ts', '../dataplane/kernel.ts'],
  ['src/observe/row.ts', '../agent/view.ts'],
  ['src/agent/row.ts', '../dataplane/kernel.ts'],
  ['src/agent/row.ts', '../dataplane/kernel/load.ts'],
  ['src/agent/row.ts', '../sources/file.ts'],
  ['src/agent/row.ts', '../native/map.ts'],
  ['src/agent/row.ts', '../cli/run.ts'],
  ['src/http/row.ts', '../cli/run.ts'],
  ['src/http/row.ts', '../native/map.ts'],
  ['src/http/row.ts', '../web/chart.ts'],
  ['src/agent/row.ts', '../web/wire.ts'],
  ['src/cli/row.ts', '../web/wire.ts'],
  ['src/demo/row.ts', '../web/wire.ts'],
  ['src/web/row.ts', '../core/percentile.ts'],
  ['src/web/row.ts', '../agent/view.ts'],
  ['src/web/row.ts', 'node:fs'],
  ['src/web/row.ts', 'koffi'],
  ['src/cli/row.ts', '../dataplane/kernel.ts'],
  ['src/cli/row.ts', '../sources/file.ts'],
  ['src/cli/row.ts', '../main.ts'],
  ['src/demo/row.ts', '../native/map.ts'],
];

type Row = readonly [from: string, to: string];

let refused: ReadonlySet<string>;

beforeAll(() => {
  refused = lint([...allowed, ...forbidden]);
});

describe('the linter', () => {
  test.each(allowed)('lets %s import %s', (from, to) => {
    expect(refused).not.toContain(`${from} ${to}`);
  });

  test.each(forbidden)('does not let %s import %s', (from, to) => {
    expect(refused).toContain(`${from} ${to}`);
  });
});

/** The rows that the linter refuses, each of them a line of its file in a tree that has nothing but them. */
const lint = (rows: readonly Row[]): ReadonlySet<string> => {
  const files = Map.groupBy(rows, ([from]) => from);
  const tree = realpathSync(mkdtempSync(join(tmpdir(), 'shunt-imports-')));
  try {
    const config = JSON.parse(readFileSync('biome.json', 'utf8'));
    write(join(tree, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
    for (const [from, imports] of files) write(join(tree, from), imports.map(exportFrom).join(''));
    return new Set(refusals(tree).map(({ file, line }) => files.get(file)?.[line - 1]?.join(' ') ?? `${file}:${line}`));
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
};

const exportFrom = ([, to]: Row, index: number): string => `export { value as value${index} } from '${to}';\n`;

const refusals = (cwd: string): { file: string; line: number }[] => {
  const args = ['lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none', 'src'];
  const biome = join(process.cwd(), 'node_modules/.bin/biome');
  const { stdout } = spawnSync(biome, args, { cwd, encoding: 'utf8' });
  const found = stdout.matchAll(/title=lint\/style\/noRestrictedImports,file=([^,]+),line=(\d+)/g);
  return [...found].map(([, file = '', line]) => ({ file: relative(cwd, file), line: Number(line) }));
};

const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
