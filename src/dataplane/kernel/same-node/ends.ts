import { END_KEY, END_MODE } from '../../../abi/layout.gen.ts';
import { toBytes } from '../../../core/model/address.ts';
import type { SameNodeEnd, SameNodeMode } from '../../../core/same-node/end.ts';
import { BpfMap } from '../../../native/map.ts';
import { raiseGeneration } from './control.ts';

/** Makes the table hold these and no others. First what goes: a Pod that is gone may have given its address to another. */
export const applyEnds = (table: BpfMap, ends: readonly SameNodeEnd[]): void => {
  const keys = new Uint8Array(ends.length * END_KEY.size);
  const values = new Uint32Array(ends.length);
  for (const [index, { address, port, mode }] of ends.entries()) {
    const base = index * END_KEY.size;
    toBytes(address, keys, base + END_KEY.address);
    keys[base + END_KEY.port] = port >>> 8;
    keys[base + END_KEY.port + 1] = port & 0xff;
    values[index] = MODE_NUMBERS[mode];
  }
  const gone = goneFrom(table, keys);
  if (gone.length > 0) table.delete(gone, gone.length / END_KEY.size);
  table.update(keys, new Uint8Array(values.buffer), ends.length);
};

/** The same in pinned tables that nobody holds open. */
export const renewEnds = (path: string, ends: readonly SameNodeEnd[]): void => {
  using table = BpfMap.openPinned(`${path}/ends`);
  applyEnds(table, ends);
  raiseGeneration(path);
};

const goneFrom = (table: BpfMap, wanted: Uint8Array): Uint8Array => {
  const names = new Set(namesOf(wanted));
  const { keys } = table.readAll();
  return Buffer.concat(
    namesOf(keys).flatMap((name, index) =>
      names.has(name) ? [] : [keys.subarray(index * END_KEY.size, (index + 1) * END_KEY.size)],
    ),
  );
};

const namesOf = (keys: Uint8Array): readonly string[] =>
  Array.from({ length: keys.length / END_KEY.size }, (_, index) =>
    Buffer.from(keys.buffer, keys.byteOffset + index * END_KEY.size, END_KEY.size).toString('latin1'),
  );

const MODE_NUMBERS: Readonly<Record<SameNodeMode, number>> = {
  local: END_MODE.LOCAL,
  redirect: END_MODE.REDIRECT,
  plain: END_MODE.PLAIN,
  served: END_MODE.SERVED,
};
