import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ShuntError } from '../../errors.ts';

/** A file of the page, by the path that it is asked for by. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The built page, from src/http/page as from dist/http/page. */
const DIRECTORY = join(import.meta.dirname, '../../../dist/web');

/** All of them, once. Throws SHUNT_E_READ when the page was not built. */
export const readPageFiles = (directory = DIRECTORY): readonly PageFile[] => {
  try {
    return readdirSync(directory).flatMap((name) => {
      const type = TYPES[extname(name)];
      const path = name === 'index.html' ? '/' : `/${name}`;
      return type === undefined ? [] : [{ path, type, body: readFileSync(join(directory, name)) }];
    });
  } catch (error) {
    throw new ShuntError('SHUNT_E_READ', { path: directory, reason: (error as Error).message }, { cause: error });
  }
};
