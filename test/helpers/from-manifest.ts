import { readObject } from '../../src/core/desire/read.ts';
import { createIntern } from '../../src/core/model/intern.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';

/** An object as Shunt reads it from what the API server shows: for tests of what is decided in reading. */
export const fromManifest = (manifest: object): ClusterObject => {
  const read = readObject(manifest, createIntern());
  if (read.outcome === 'object') return read.object;
  throw new Error(`not an object: ${JSON.stringify(read)}`);
};
