import { compareText } from '../desire/order.ts';
import type { ObjectRef } from '../model/objects.ts';

/** Objects by what they are about. A list is replaced when it changes, so one that was handed out stays as it was. */
export type Listed<T extends ObjectRef> = Map<string, readonly T[]>;

/** Lists are in the order of names, and have an object once however often it names the same. */
export const enlist = <T extends ObjectRef>(listed: Listed<T>, keys: readonly string[], object: T): void => {
  for (const key of keys) {
    const others = listed.get(key) ?? [];
    if (!others.includes(object)) listed.set(key, [...others, object].sort(byReference));
  }
};

/** `object` is as it was listed. */
export const strike = <T extends ObjectRef>(listed: Listed<T>, keys: readonly string[], object: T): void => {
  for (const key of keys) {
    const others = (listed.get(key) ?? []).filter((other) => other !== object);
    if (others.length > 0) listed.set(key, others);
    else listed.delete(key);
  }
};

export const byReference = (a: ObjectRef, b: ObjectRef): number =>
  compareText(a.name, b.name) || compareText(a.namespace, b.namespace) || compareText(a.kind, b.kind);
