import { beforeEach, expect, test } from 'vitest';
import { SAME_NODE_CONTROL } from '../../../src/abi/layout.gen.ts';
import { loadWord, type RecordMemory, recordMemory } from '../../../src/abi/memory.ts';
import type { Joining } from '../../../src/dataplane/kernel/same-node/programs.ts';
import { Watching } from '../../../src/dataplane/kernel/same-node/watching.ts';

/** When reads begin and cease to be watched, by what programs ask for and what walks meet. */

const NONE = { candidate: 0, joined: 0, unfit: 3 };
const SOME = { ...NONE, candidate: 1 };

let isWatching: boolean;
let control: RecordMemory;
let watching: Watching;

const begin = (wasWatching: boolean): void => {
  isWatching = wasWatching;
  control = recordMemory(new ArrayBuffer(SAME_NODE_CONTROL.size), SAME_NODE_CONTROL.size, 1);
  const joining = {
    get isWatching() {
      return isWatching;
    },
    watch: (isWanted: boolean) => {
      isWatching = isWanted;
    },
  };
  watching = new Watching(joining as Joining, control);
};

const isTold = (): boolean => loadWord(control, 0, SAME_NODE_CONTROL.watched) === 1;

/** One walk, and the next look at what programs ask for. */
const walk = (met: typeof NONE, isAsked = false): void => {
  watching.note(met);
  watching.follow(isAsked);
};

const walks = (count: number, met: typeof NONE): void => {
  for (let at = 0; at < count; at++) walk(met);
};

beforeEach(() => begin(true));

test('nobody is watched before a socket asks for it', () => {
  begin(false);
  walks(20, NONE);
  expect([isWatching, isTold()]).toEqual([false, false]);
  watching.follow(true);
  expect([isWatching, isTold()]).toEqual([true, true]);
});

test.each([SOME, { ...NONE, joined: 2 }])('as long as walks meet %o, it goes on', (met) => {
  walks(50, met);
  expect([isWatching, isTold()]).toEqual([true, true]);
});

test('what somebody else has ended begins again, as long as walks meet any', () => {
  walk(SOME);
  isWatching = false;
  watching.follow(false);
  expect([isWatching, isTold()]).toEqual([true, true]);
  walks(6, NONE);
  isWatching = false;
  walks(20, NONE);
  expect([isWatching, isTold()]).toEqual([false, false]);
});

test('after five walks that meet none new sockets have to ask, and one walk later it ceases', () => {
  walks(4, NONE);
  expect([isWatching, isTold()]).toEqual([true, true]);
  walk(NONE);
  expect([isWatching, isTold()]).toEqual([true, false]);
  walk(NONE);
  expect([isWatching, isTold()]).toEqual([false, false]);
});

test.each([
  ['is met by the last walk', () => walk(SOME)],
  ['asks', () => watching.follow(true)],
])('a socket that comes in between and %s keeps it, for as long as any other', (_, come) => {
  walks(5, NONE);
  come();
  walks(4, NONE);
  expect([isWatching, isTold()]).toEqual([true, true]);
  walks(2, NONE);
  expect(isWatching).toBe(false);
});
