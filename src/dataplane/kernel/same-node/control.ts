import { SAME_NODE_CONTROL } from '../../../abi/layout.gen.ts';
import { BpfMap } from '../../../native/map.ts';

/** Of pinned tables that nobody holds open, of whatever version: `off` is the first word of the record in every one. */
export const turnOff = (path: string): void =>
  change(path, (words) => {
    words[0] = 1;
  });

/** The table of ends has changed: programs judge their pairs anew. */
export const raiseGeneration = (path: string): void =>
  change(path, (words) => {
    const at = SAME_NODE_CONTROL.generation / 4;
    words[at] = (words[at] as number) + 1;
  });

const change = (path: string, edit: (words: Uint32Array) => void): void => {
  using control = BpfMap.openPinned(`${path}/control`);
  const value = control.lookup(FIRST);
  if (value === undefined) return;
  edit(new Uint32Array(value.buffer));
  control.update(FIRST, value, 1);
};

const FIRST = new Uint8Array(4);
