import { describe, expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import { explain, type Reading, renderExplain } from '../../../../src/core/explain.ts';
import type { Complaint } from '../../../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, policy, service, slice } from '../../../helpers/objects.ts';
import { held as heldShares } from '../../../helpers/route-objects.ts';

/** What explain says while a part of the objects cannot be read. */

const cluster = createCluster();
applyEvents(
  cluster,
  [
    service(),
    slice([endpoint('10.1.0.1')]),
    policy([]),
    service({ name: 'idle', clusterIPs: ['10.96.0.2'] }),
    slice([], { name: 'idle-1', service: 'idle' }),
    policy([], { name: 'of-idle', services: ['idle'] }),
  ].map((object) => ({ type: 'put', object })),
);

const decide = (address: string, reading: Reading, table: ReadonlyMap<string, number> | null) =>
  explain(
    { cluster, node: OUR_NODE, reading, table: table && heldShares(table) },
    { address, port: 80, protocol: 'TCP' },
  );

const error = (object: string): Complaint => ({ severity: 'error', object, path: '', message: 'is wrong' });
const held = new Map([['10.1.0.7:8080', 1]]);
const PART: Reading = { synced: true, whole: false, complaints: [] };
const WHOLE: Reading = { synced: true, whole: true, complaints: [] };

it('a source that has not been read yet is said first: the answer is of what is known so far', () => {
  const lines = renderExplain(decide('10.96.0.9', { ...PART, synced: false }, null));
  expect(lines[0]).toBe('The source has not been read yet; as far as objects are known:');
  expect(renderExplain(decide('10.96.0.9', PART, null)).join('\n')).not.toContain('not been read yet');
});

describe('what the kernel holds and no object names', () => {
  it('is kept as the last agent left it while the source has not been read as a whole', () => {
    expect(renderExplain(decide('10.96.0.9', PART, held))).toEqual([
      '10.96.0.9:80/TCP: as far as objects could be read, no Service has the address 10.96.0.9.',
      '',
      "The kernel's tables are kept as the last agent left them: the source has not been read as a whole " +
        '(see complaints); now a new connection is sent:',
      '  10.1.0.7:8080  100.00 %',
    ]);
  });

  it.each([
    { what: 'an address', address: '10.96.0.9', reading: PART, table: held, kept: true },
    { what: 'an address that refuses', address: '10.96.0.9', reading: PART, table: new Map(), kept: true },
    { what: 'all endpoints of a Service', address: '10.96.0.2', reading: PART, table: held, kept: true },
    { what: 'an address, and all was read', address: '10.96.0.9', reading: WHOLE, table: held, kept: undefined },
    { what: 'nothing', address: '10.96.0.9', reading: PART, table: null, kept: undefined },
    { what: 'what objects name otherwise', address: '10.96.0.1', reading: PART, table: held, kept: undefined },
    { what: 'a Service that refuses', address: '10.96.0.2', reading: PART, table: new Map(), kept: undefined },
  ])('is told of $what: $kept', ({ address, reading, table, kept }) => {
    expect(decide(address, reading, table as ReadonlyMap<string, number> | null).kernel?.kept).toBe(kept);
  });
});

describe('an error', () => {
  it.each([
    { address: '10.96.0.1', object: 'Service shop/web', told: true },
    { address: '10.96.0.1', object: 'Service shop/idle', told: false },
    { address: '10.96.0.1', object: 'Service shop/unread', told: false },
    { address: '10.96.0.1', object: 'EndpointSlice shop/web-1', told: true },
    { address: '10.96.0.1', object: 'EndpointSlice shop/idle-1', told: false },
    { address: '10.96.0.1', object: 'EndpointSlice shop/unread', told: true },
    { address: '10.96.0.1', object: 'EndpointSlice bank/unread', told: false },
    { address: '10.96.0.1', object: 'TrafficPolicy shop/weights', told: true },
    { address: '10.96.0.1', object: 'TrafficPolicy shop/of-idle', told: false },
    { address: '10.96.0.1', object: 'TrafficPolicy shop/unread', told: true },
    { address: '10.96.0.1', object: '/objects/web.yaml', told: true },
    { address: '10.96.0.9', object: 'Service shop/unread', told: true },
    { address: '10.96.0.9', object: 'Service shop/web', told: false },
    { address: '10.96.0.9', object: 'EndpointSlice shop/web-1', told: false },
    { address: '10.96.0.9', object: 'EndpointSlice shop/unread', told: false },
  ])('about $object is told of $address: $told', ({ address, object, told }) => {
    const { errors } = decide(address, { ...PART, complaints: [error(object)] }, null);
    expect(errors).toEqual(told ? [error(object)] : undefined);
  });

  it('is told with its place, and no warning is', () => {
    const complaints: readonly Complaint[] = [
      { ...error('TrafficPolicy shop/weights'), path: 'spec', origin: { file: 'policy.yaml', line: 8 } },
      { ...error('web.yaml'), origin: { file: 'web.yaml', line: 2 } },
      { ...error('Service shop/web'), severity: 'warning' },
    ];
    expect(renderExplain(decide('10.96.0.1', { ...WHOLE, complaints }, null)).slice(-3)).toEqual([
      'An object with an error is as it was before, if it was there:',
      '  policy.yaml:8: TrafficPolicy shop/weights spec: is wrong',
      '  web.yaml:2: is wrong',
    ]);
  });

  it('is counted only when there are many', () => {
    const complaints = Array.from({ length: 13 }, (_, index) => error(`${index}.yaml`));
    const lines = renderExplain(decide('10.96.0.1', { ...WHOLE, complaints }, null));
    expect(lines.slice(-2)).toEqual(['  9.yaml: is wrong', '  and 3 more: -o json']);
  });
});

it.each([
  { detached: ['shunt_connect4'], says: 'Not in force now: shunt_connect4 of this agent is not attached.' },
  { detached: ['a', 'b'], says: 'Not in force now: a, b of this agent are not attached.' },
])('programs that are not attached are said first: $detached', ({ detached, says }) => {
  const question = { address: '10.96.0.1', port: 80, protocol: 'TCP' } as const;
  const lines = renderExplain(explain({ cluster, node: OUR_NODE, detached }, question));
  expect(lines.slice(0, 4)).toEqual([
    says,
    'Until the agent has attached what is missing (see `shunt status`), connections need not go as is said here:',
    '',
    '10.96.0.1:80/TCP is port http of Service shop/web.',
  ]);
  expect(explain({ cluster, node: OUR_NODE, detached: [] }, question)).not.toHaveProperty('detached');
});
