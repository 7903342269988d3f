import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KnownObjects } from '../../../../src/sources/kubernetes/known.ts';

/** uid and resource version. */
type Version = readonly [string, string];

const UIDS = [
  '3f2a1c5e-0d4b-4e8a-9c1d-2b3a4f5e6d70',
  '3f2a1c5e-0d4b-4e8a-9c1d-2b3a4f5e6d71',
  '3f2a1c5f-0d4b-4e8a-9c1d-2b3a4f5e6d70',
  '3F2A1C5E-0D4B-4E8A-9C1D-2B3A4F5E6D70',
  'no-uuid',
  'no-uuid-',
];
const VERSIONS = ['1', '2', '4294967296', '4294967297', '9007199254740993', '9007199254740992', 'opaque', '01', '1e0'];

test.each<{ first: Version; now: Version; says: string }>([
  { first: ['u', '1'], now: ['u', '1'], says: 'same' },
  { first: ['u', '1'], now: ['u', '2'], says: 'changed' },
  { first: ['u', '2'], now: ['u', '1'], says: 'changed' },
  { first: ['u', '1'], now: ['v', '1'], says: 'recreated' },
])('an object that was $first and is $now is $says', ({ first, now, says }) => {
  const known = new KnownObjects();
  expect(known.look('shop', 'web', ...first)).toBe('new');
  known.see('shop', 'web', ...first);
  expect(known.look('shop', 'web', ...now)).toBe(says);
  expect([known.look('shop', 'cart', ...first), known.look('', 'web', ...first)]).toEqual(['new', 'new']);
});

test('each uid and each version is told from every other', () => {
  for (const [kind, texts] of [['uid', UIDS] as const, ['version', VERSIONS] as const]) {
    for (const a of texts) {
      for (const b of texts) {
        const known = new KnownObjects();
        known.see('', 'a', kind === 'uid' ? a : 'u', kind === 'uid' ? '1' : a);
        const seen = known.look('', 'a', kind === 'uid' ? b : 'u', kind === 'uid' ? '1' : b);
        expect(seen, `${a} ${b}`).toBe(a === b ? 'same' : kind === 'uid' ? 'recreated' : 'changed');
      }
    }
  }
});

test('an object of another uid is not forgotten', () => {
  const known = new KnownObjects();
  known.see('shop', 'web', 'u', '1');
  expect([known.forget('shop', 'web', 'v'), known.size]).toEqual([false, 1]);
  expect([known.forget('shop', 'web', 'u'), known.size]).toEqual([true, 0]);
  expect(known.forget('shop', 'web', 'u')).toBe(false);
});

test('it is like a plain Map through whatever happens, sweeps too', () => {
  const name = fc.nat({ max: 400 });
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ type: fc.constant('see'), name, uid: fc.nat(5), version: fc.nat(8) }) },
    {
      weight: 10,
      arbitrary: fc.record({ type: fc.constant('forget'), name, uid: fc.nat(5), version: fc.constant(0) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('begin'), name, uid: fc.constant(0), version: fc.constant(0) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('sweep'), name, uid: fc.constant(0), version: fc.constant(0) }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 3000 }), (steps) => {
      const known = new KnownObjects();
      const objects = new Map<string, { uid: string; version: string; seen: boolean }>();
      for (const { type, name: number, uid: uidIndex, version: versionIndex } of steps) {
        const [namespace, text] = [`n${number % 7}`, `o${number}`];
        const key = `${namespace}/${text}`;
        const [uid, version] = [UIDS[uidIndex] as string, VERSIONS[versionIndex] as string];
        const held = objects.get(key);
        if (type === 'see') {
          const wanted =
            held === undefined ? 'new' : held.uid !== uid ? 'recreated' : held.version === version ? 'same' : 'changed';
          expect(known.look(namespace, text, uid, version)).toBe(wanted);
          known.see(namespace, text, uid, version);
          objects.set(key, { uid, version, seen: true });
        } else if (type === 'forget') {
          expect(known.forget(namespace, text, uid)).toBe(held?.uid === uid);
          if (held?.uid === uid) objects.delete(key);
        } else if (type === 'begin') {
          known.beginSweep();
          for (const object of objects.values()) object.seen = false;
        } else {
          const gone = [...objects].filter(([, { seen }]) => !seen).map(([each]) => each);
          expect(
            known
              .sweep()
              .map((each) => each.join('/'))
              .sort(),
          ).toEqual(gone.sort());
          for (const each of gone) objects.delete(each);
        }
        expect(known.size).toBe(objects.size);
      }
    }),
    { numRuns: 50 },
  );
});

test('says how many were seen since the last sweep began', () => {
  const known = new KnownObjects();
  for (const name of ['a', 'b', 'c']) known.see('', name, 'u', '1');
  known.beginSweep();
  expect(known.seen).toBe(0);
  for (const name of ['a', 'a', 'd']) known.see('', name, 'u', '2');
  expect(known.seen).toBe(2);
  expect(known.sweep()).toEqual([
    ['', 'b'],
    ['', 'c'],
  ]);
});
