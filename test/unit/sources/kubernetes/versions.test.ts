import { expect, test } from 'vitest';
import { Versions } from '../../../../src/sources/kubernetes/versions.ts';

const three = (): Versions =>
  new Versions({
    name: 'tcproutes',
    kind: 'TCPRoute',
    isNamespaced: true,
    ...at('v1'),
    otherVersions: [at('v1beta1'), at('v1alpha2')],
  });

const at = (version: string) => ({ apiVersion: `g/${version}`, path: `/apis/g/${version}/tcproutes` });

test.each([
  {
    what: 'all are asked for in order, and then the best again',
    acts: ['miss', 'miss', 'miss'],
    asked: 'v1 v1beta1 v1alpha2 v1',
  },
  { what: 'one that is found stays', acts: ['miss', 'found'], asked: 'v1 v1beta1 v1beta1' },
  {
    what: 'after one that was found and is gone all others are asked for',
    acts: ['miss', 'found', 'miss', 'miss', 'miss'],
    asked: 'v1 v1beta1 v1beta1 v1alpha2 v1 v1',
  },
  { what: 'only those that are served are asked for', acts: ['v1beta1', 'miss'], asked: 'v1 v1beta1 v1' },
  {
    what: 'of those that are served the best comes first',
    acts: ['v1alpha2 v1beta1', 'miss', 'miss'],
    asked: 'v1 v1beta1 v1alpha2 v1',
  },
  { what: 'a version that we do not know is none', acts: ['v2'], asked: 'v1 v1' },
  {
    what: 'after one that was found among few all count again',
    acts: ['v1alpha2', 'found', 'miss'],
    asked: 'v1 v1alpha2 v1alpha2 v1',
  },
])('$what', ({ acts, asked }) => {
  const versions = three();
  const seen = [versions.current.apiVersion];
  for (const act of acts) {
    if (act === 'miss') versions.missed();
    else if (act === 'found') versions.found();
    else versions.narrow(new Set(act.split(' ').map((version) => `g/${version}`)));
    expect(versions.current.path).toBe(`/apis/${versions.current.apiVersion}/tcproutes`);
    seen.push(versions.current.apiVersion);
  }
  expect(seen.map((version) => version.replace('g/', '')).join(' ')).toBe(asked);
});

test('it is said whether another one is left, and whether any is served', () => {
  const versions = three();
  expect([versions.missed(), versions.missed(), versions.missed()]).toEqual([true, true, false]);
  expect([versions.narrow(new Set(['g/v1'])), versions.missed()]).toEqual([true, false]);
  expect(versions.narrow(new Set())).toBe(false);
});
