import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

/** The path of a file of the checkout. */
export const inCheckout = (path) => fileURLToPath(new URL(path, root));

/** Writes `files` (path -> text); with `--check` only compares, and says where a committed file differs. */
export const publish = (files) => {
  if (!process.argv.includes('--check')) {
    for (const [path, text] of Object.entries(files)) writeFileSync(inCheckout(path), text);
    return;
  }
  const stale = Object.entries(files).flatMap(([path, text]) => difference(path, text));
  if (stale.length === 0) return;
  console.error(`${stale.join('\n')}\nRun \`make generate\` and commit the result.`);
  process.exitCode = 1;
};

const difference = (path, text) => {
  const file = inCheckout(path);
  const committed = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const wanted = text.split('\n');
  const first = wanted.findIndex((line, index) => line !== committed[index]);
  if (first === -1 && committed.length === wanted.length) return [];
  const line = first === -1 ? wanted.length : first;
  return [
    `${relative('.', file)}:${line + 1}: not what its sources generate`,
    `  - ${committed[line] ?? '(nothing)'}`,
    `  + ${wanted[line] ?? '(nothing)'}`,
  ];
};
