import { expect, test } from 'vitest';
import type { PodObject } from '../../../../src/core/model/objects.ts';
import { judgePair } from '../../../../src/core/same-node/judge.ts';
import { type ServedSocket, socketKey } from '../../../../src/core/same-node/served.ts';
import { pod, policy } from '../../../helpers/objects.ts';

const socket: ServedSocket = {
  address: '10.1.0.2',
  port: 8080,
  service: 'shop/web',
  policy: policy([], { sameNode: 'Redirect' }),
};
const SERVED = new Map([[socketKey('10.1.0.2', 8080), socket]]);
const NOBODY: ReadonlyMap<string, ServedSocket> = new Map();

const BY_POLICY = { redirected: true, reason: 'policy', service: 'shop/web', policy: 'TrafficPolicy shop/weights' };
const plain = (labelled: string) => ({ redirected: false, reason: 'plain', labelled });
const oneLabel = (labelled: string) => ({ redirected: false, reason: 'one label', labelled });

type Label = PodObject['sameNode'];

test.each<[client: Label, server: Label, served: ReadonlyMap<string, ServedSocket>, judgement: object]>([
  ['', '', NOBODY, { redirected: false, reason: 'nobody asks' }],
  ['', '', SERVED, BY_POLICY],
  ['redirect', '', NOBODY, oneLabel('shop/client')],
  ['redirect', '', SERVED, BY_POLICY],
  ['', 'redirect', NOBODY, oneLabel('shop/server')],
  ['', 'redirect', SERVED, BY_POLICY],
  ['redirect', 'redirect', NOBODY, { redirected: true, reason: 'labels' }],
  ['redirect', 'redirect', SERVED, BY_POLICY],
  ['plain', '', SERVED, plain('shop/client')],
  ['plain', 'redirect', SERVED, plain('shop/client')],
  ['', 'plain', SERVED, plain('shop/server')],
  ['redirect', 'plain', NOBODY, plain('shop/server')],
  ['plain', 'plain', NOBODY, plain('shop/client')],
])('a client labelled "%s" and an endpoint labelled "%s"', (client, server, served, judgement) => {
  const pair = {
    client: pod({ name: 'client', sameNode: client }),
    server: pod({ name: 'server', addresses: ['10.1.0.2'], sameNode: server }),
    address: '10.1.0.2',
    port: 8080,
  };
  expect(judgePair(served, pair)).toEqual(judgement);
});

test('another port of the endpoint is another matter', () => {
  const [client, server] = [pod({ name: 'client' }), pod({ name: 'server' })];
  expect(judgePair(SERVED, { client, server, address: '10.1.0.2', port: 8081 })).toMatchObject({ redirected: false });
});
