import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { createCatalog } from '../../../src/sources/file/catalog.ts';
import type { FileContent } from '../../../src/sources/file/load.ts';
import { policy, service } from '../../helpers/objects.ts';

const content = (...objects: readonly ClusterObject[]): FileContent => ({
  entries: objects.map((object, index) => ({ file: 'a.yaml', line: index + 1, ref: object, state: object })),
  complaints: [],
  nameless: false,
});

const collectGarbage = async (): Promise<void> => {
  setFlagsFromString('--expose-gc');
  // What a WeakRef was asked for lives until the turn ends.
  await nextTurn();
  runInNewContext('gc')();
};

test('a file that is read again adds nothing to memory for objects that did not change', async () => {
  const catalog = createCatalog();
  catalog.set('a.yaml', content(service(), service({ name: 'other' })));
  expect(catalog.takeEvents()).toHaveLength(2);
  const readAgain = (): WeakRef<ClusterObject> => {
    const copy = service();
    catalog.set('a.yaml', content(copy, service({ name: 'other', affinityTimeoutS: 1 })));
    return new WeakRef(copy);
  };
  const copy = readAgain();
  expect(catalog.takeEvents()).toHaveLength(1);
  await collectGarbage();
  expect(copy.deref()).toBeUndefined();
  expect(catalog.count('a.yaml')).toBe(2);
});

test('what stands in for an object is kept neither against another one nor against a good state, which is kept', () => {
  const catalog = createCatalog();
  const [good, standIn, other] = [
    policy([]),
    policy([], { services: [], standsIn: true }),
    policy([], { services: [], generation: 2, standsIn: true }),
  ];
  const told = (state: ClusterObject | 'invalid', stands?: ClusterObject) => {
    const entry = { file: 'a.yaml', line: 1, ref: good, state, ...(stands === undefined ? {} : { standIn: stands }) };
    catalog.set('a.yaml', { entries: [entry], complaints: [], nameless: false });
    const events = catalog.takeEvents().map((event) => (event.type === 'put' ? event.object : event.type));
    return [events, catalog.isWhole()];
  };
  expect(told('invalid', standIn)).toEqual([[standIn], false]);
  expect(told('invalid', other)).toEqual([[other], false]);
  expect(told(good)).toEqual([[good], true]);
  expect(told('invalid', standIn)).toEqual([[], true]);
  catalog.delete('a.yaml');
  expect(catalog.takeEvents()).toMatchObject([{ type: 'delete' }]);
});
