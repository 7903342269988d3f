import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeFrontendKeys, encodeFrontends } from '../../src/abi/codec.ts';
import { FRONTEND, FRONTEND_KEY } from '../../src/abi/layout.gen.ts';
import type { FrontendKey } from '../../src/core/plan/transaction.ts';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import type { BpfMap } from '../../src/native/map.ts';
import { openPicks, type Picks } from '../helpers/picks.ts';

/** Entries of one Pod's clients, found by the cgroup that this process is in: group, Pod, container. */

const KEY: FrontendKey = { address: '10.96.0.1', protocol: 'TCP', port: 80 };
/** Of the outermost; the root of the hierarchy is 0. */
const level = 1;
const NONE = 0;
const FOUND = 1;

const base = `${cgroupRoot()}/client-${process.pid}`;
/** From the outermost to the innermost. */
const cgroups = [base, `${base}/pod`, `${base}/pod/container`] as const;
const sibling = `${base}/other`;

let picks: Picks;
let frontends: BpfMap;
let home: string;

const moveTo = (cgroup: string): void => writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));

beforeAll(() => {
  const [, path = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  home = `${cgroupRoot()}${path}`;
  for (const cgroup of [...cgroups, sibling]) mkdirSync(cgroup);
  moveTo(cgroups[2]);
  picks = openPicks();
  frontends = picks.object.map('frontends');
});

afterAll(() => {
  frontends?.close();
  picks?.close();
  moveTo(home);
  for (const cgroup of [sibling, ...cgroups.toReversed()]) rmdirSync(cgroup);
});

beforeEach(() => {
  const { keys, count } = frontends.readAll();
  if (count > 0) frontends.delete(keys, count);
});

const idOf = (cgroup: string): bigint => statSync(cgroup, { bigint: true }).ino;

/** Each leads to the Service whose number it is given. */
const put = (clients: readonly { readonly client: bigint; readonly service: number }[]): void => {
  const writes = clients.map(({ client, service }) => ({
    ...KEY,
    client,
    service,
    slotBase: 7,
    slotCount: 3,
    scope: 'external' as const,
    variant: 5,
    arms: true as const,
  }));
  const { keys, values } = encodeFrontends(writes);
  frontends.update(keys, values, writes.length);
};

/** The Service of the entry that is found at one of these levels. */
const find = (levels: readonly number[]) => {
  const context = new Uint8Array(FRONTEND_KEY.size + 4 + FRONTEND.size);
  context.set(encodeFrontendKeys([KEY]));
  const words = new Uint32Array(context.buffer);
  words[FRONTEND_KEY.size >>> 2] = levels.reduce((bits, number) => bits | (1 << number), 0);
  const found = picks.run('for_client', context);
  expect([NONE, FOUND]).toContain(found);
  return found === FOUND ? words[(FRONTEND_KEY.size + 4 + FRONTEND.service) >>> 2] : undefined;
};

test('an entry of any cgroup above the process is found at the level of that cgroup, and at no other', () => {
  for (const [depth, cgroup] of cgroups.entries()) {
    put([{ client: idOf(cgroup), service: depth + 1 }]);
    for (let number = 1; number < 16; number++) {
      expect(find([number])).toBe(number === level + depth ? depth + 1 : undefined);
    }
    frontends.delete(encodeFrontendKeys([{ ...KEY, client: idOf(cgroup) }]), 1);
  }
});

test('the deepest one counts', () => {
  put(cgroups.map((cgroup, depth) => ({ client: idOf(cgroup), service: depth + 1 })));
  expect(find([level, level + 1, level + 2])).toBe(3);
  expect(find([level, level + 1])).toBe(2);
  expect(find([level])).toBe(1);
});

test('a level without an entry is passed over', () => {
  put([{ client: idOf(cgroups[0]), service: 1 }]);
  expect(find([level, level + 1, level + 2, 9, 15])).toBe(1);
});

test('the entry of another Pod at the same level is not ours', () => {
  put([{ client: idOf(sibling), service: 9 }]);
  expect(find([level + 1])).toBeUndefined();
  moveTo(sibling);
  expect(find([level + 1])).toBe(9);
  moveTo(cgroups[2]);
});

test('no level, no entry', () => {
  put(cgroups.map((cgroup, depth) => ({ client: idOf(cgroup), service: depth + 1 })));
  expect(find([])).toBeUndefined();
});

test('what everybody has is no Pod’s own: a cgroup that is not there has no id', () => {
  const { keys, values } = encodeFrontends([{ ...KEY, service: 4, slotBase: 1, slotCount: 1, scope: 'cluster' }]);
  frontends.update(keys, values, 1);
  expect(find([level, level + 1, level + 2, 10])).toBeUndefined();
});
