import { callerTable, encodeCallerKeys } from '../../abi/callers.ts';
import type { BpfMap } from '../../native/map.ts';
import type { CallerEntry, CallerKey, Callers } from '../dataplane.ts';

/** The table `callers`, which a growth keeps. */
export const createCallers = (table: () => BpfMap): Callers => ({
  read: () => {
    const { keys, values, count } = table().readAll();
    return callerTable(keys, values, count);
  },
  forget: (keys) => keys.flatMap((key) => takeOut(table(), key)),
});

/** What is counted between the two calls is lost, hence one after the other for each. */
const takeOut = (table: BpfMap, key: CallerKey): readonly CallerEntry[] => {
  const bytes = encodeCallerKeys([key]);
  const value = table.lookup(bytes);
  if (value === undefined) return [];
  table.delete(bytes, 1);
  return callerTable(bytes, value, 1).entries();
};
