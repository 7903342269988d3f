import { expect, test } from 'vitest';
import { complaintsOf, objectOf, read } from '../../../helpers/reading.ts';

const GROUP = 'gateway.networking.k8s.io';
const FROM = { group: GROUP, kind: 'TCPRoute', namespace: 'shop' };
const TO = { group: '', kind: 'Service', name: 'cart' };

const grant = (from: unknown, to: unknown, version = 'v1') => ({
  apiVersion: `${GROUP}/${version}`,
  kind: 'ReferenceGrant',
  metadata: { name: 'grant', namespace: 'next' },
  spec: { from, to },
});

test.each(['v1', 'v1beta1'])(
  'a ReferenceGrant of %s lets routes of some namespaces refer to some Services',
  (version) => {
    const from = [FROM, { ...FROM, kind: 'HTTPRoute' }, { ...FROM, namespace: 'other' }];
    expect(objectOf(grant(from, [TO, { ...TO, name: 'web' }], version))).toEqual({
      kind: 'ReferenceGrant',
      namespace: 'next',
      name: 'grant',
      from: [
        { kind: 'TCPRoute', namespace: 'shop' },
        { kind: 'HTTPRoute', namespace: 'shop' },
        { kind: 'TCPRoute', namespace: 'other' },
      ],
      services: ['cart', 'web'],
    });
  },
);

test.each([
  ['no name', [{ group: '', kind: 'Service' }]],
  ['an empty name', [TO, { ...TO, name: '' }]],
])('with %s it is for all Services', (_, to) => {
  expect(objectOf(grant([FROM], to))).toMatchObject({ services: ['*'] });
});

test('a name is taken as it stands: "*" is that of no Service', () => {
  const anything = { ...TO, name: '*' };
  expect(objectOf(grant([FROM], [anything, TO]))).toMatchObject({ services: ['cart'] });
  expect(read(grant([FROM], [anything]))).toMatchObject({ outcome: 'nothing' });
  expect(complaintsOf(grant([FROM], [anything]))).toEqual([
    'warning spec.to[0].name: is for no Service: leave it out to permit all of them',
  ]);
});

test('what is about other kinds is left out', () => {
  const from = [
    { ...FROM, kind: 'Gateway' },
    { ...FROM, group: 'example.com' },
    { ...FROM, kind: 'constructor' },
    FROM,
  ];
  const to = [{ ...TO, kind: 'Secret' }, { ...TO, group: 'example.com' }, TO];
  expect(objectOf(grant(from, to))).toMatchObject({
    from: [{ kind: 'TCPRoute', namespace: 'shop' }],
    services: ['cart'],
  });
});

test.each([
  ['a Gateway and a Secret', [{ ...FROM, kind: 'Gateway' }], [{ ...TO, kind: 'Secret' }]],
  ['a route and a Secret', [FROM], [{ ...TO, kind: 'Secret' }]],
  ['a Gateway and a Service', [{ ...FROM, kind: 'Gateway' }], [TO]],
  ['nothing', null, null],
])('one about %s is nothing to us', (_, from, to) => {
  expect(read(grant(from, to))).toMatchObject({ outcome: 'nothing', complaints: [] });
});

test.each([
  ['lists that are objects', {}, [TO], 'spec.from: must be a list, is {}'],
  ['an entry that is a text', ['TCPRoute'], [TO], 'spec.from[0]: must be an object, is "TCPRoute"'],
  ['no namespace', [{ ...FROM, namespace: null }], [TO], 'spec.from[0].namespace: must be at most 63'],
  ['a name that is a number', [FROM], [{ ...TO, name: 7 }], 'spec.to[0].name: must be a string, is 7'],
])('with %s it is rejected', (_, from, to, complaint) => {
  expect(read(grant(from, to)).outcome).toBe('rejected');
  expect(complaintsOf(grant(from, to))).toEqual([expect.stringContaining(`error ${complaint}`)]);
});
