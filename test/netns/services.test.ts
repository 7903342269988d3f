import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndpointObject } from '../../src/core/model/objects.ts';
import { answersAt } from '../helpers/answers.ts';
import {
  endpoint,
  GONE_SILENT,
  NOT_READY,
  policy,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../helpers/objects.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';

/** What objects say is what sockets meet: the rules of Service and EndpointSlice, seen by a client. */

const WEB = '10.96.0.1';
const REFUSED = ['ECONNREFUSED'];
/** Nothing is programmed, so it is the route that says no. */
const LEFT_ALONE = ['EHOSTUNREACH'];

let stage: Stage<'client' | 'v1' | 'v2' | 'v3'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'services',
    clients: ['client'],
    servers: ['v1', 'v2', 'v3'],
    objects: () => [],
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const answers = (address = WEB, port = 80, kind: 'tcp' | 'udp' = 'tcp'): Promise<readonly string[]> =>
  answersAt(stage, client, address, { port, kind });

/** One slice with v1, v2 and v3 in these conditions. */
const conditions = (...fields: readonly Partial<EndpointObject>[]) =>
  slice(
    (['v1', 'v2', 'v3'] as const).map((name, index) =>
      endpoint(stage.actors[name].pod.address4, { pod: name, ...fields[index] }),
    ),
    { ports: [{ name: 'http', protocol: 'TCP', port: SERVER_PORT }] },
  );

const READY = {};
const HERE = { node: 'node-a' } as const;
const AWAY = { node: 'node-b' } as const;

describe('the endpoints of a Service', () => {
  const rows = [
    { what: 'all ready', given: [READY, READY, READY], by: ['v1', 'v2', 'v3'] },
    { what: 'one not ready', given: [READY, NOT_READY, READY], by: ['v1', 'v3'] },
    { what: 'one terminating', given: [READY, SERVES_WHILE_TERMINATING, READY], by: ['v1', 'v3'] },
    {
      what: 'all terminating, two of them still serving',
      given: [SERVES_WHILE_TERMINATING, SERVES_WHILE_TERMINATING, GONE_SILENT],
      by: ['v1', 'v2'],
    },
    { what: 'terminating or not ready', given: [SERVES_WHILE_TERMINATING, NOT_READY, NOT_READY], by: ['v1'] },
    { what: 'none that serves', given: [GONE_SILENT, NOT_READY, GONE_SILENT], by: REFUSED },
    {
      what: 'not ready, published all the same',
      given: [NOT_READY, READY, GONE_SILENT],
      by: ['v1', 'v2', 'v3'],
      fields: { publishNotReadyAddresses: true },
    },
    { what: 'on other nodes too, traffic policy Cluster', given: [HERE, AWAY, HERE], by: ['v1', 'v2', 'v3'] },
    {
      what: 'on other nodes too, traffic policy Local',
      given: [HERE, AWAY, HERE],
      by: ['v1', 'v3'],
      fields: { internalTrafficPolicy: 'Local' },
    },
    {
      what: 'on other nodes only, traffic policy Local',
      given: [AWAY, AWAY, AWAY],
      by: REFUSED,
      fields: { internalTrafficPolicy: 'Local' },
    },
    {
      what: 'here only terminating, traffic policy Local',
      given: [{ ...HERE, ...SERVES_WHILE_TERMINATING }, AWAY, AWAY],
      by: ['v1'],
      fields: { internalTrafficPolicy: 'Local' },
    },
  ] as const;

  test.each(rows)('$what: $by answer', async (row) => {
    await stage.agent.put(service('fields' in row ? row.fields : {}), conditions(...row.given));
    expect(await answers()).toEqual(row.by);
  });

  test('may be in several slices, and one that is in two of them counts once', async () => {
    const { v1, v2 } = stage.actors;
    await stage.agent.put(
      service(),
      conditions(READY, NOT_READY, NOT_READY),
      slice([endpoint(v1.pod.address4), endpoint(v2.pod.address4)], { name: 'web-2' }),
    );
    expect(await answers()).toEqual(['v1', 'v2']);
    expect([...stage.agent.agent.backends('shop/web')].map(({ share }) => share)).toEqual([0.5, 0.5]);
    await stage.agent.remove({ kind: 'EndpointSlice', namespace: 'shop', name: 'web-2' });
    expect(await answers()).toEqual(['v1']);
  });

  test.each([
    { what: 'ready in either of its slices', first: NOT_READY, second: READY, by: ['v1', 'v2'] },
    {
      what: 'shutting down in one of its slices, and gone in the other',
      first: GONE_SILENT,
      second: SERVES_WHILE_TERMINATING,
      by: ['v2'],
    },
    { what: 'ready in neither of its slices', first: NOT_READY, second: GONE_SILENT, by: ['v2'] },
  ])('that is $what: $by answer', async ({ first, second, by }) => {
    const { v1, v2 } = stage.actors;
    await stage.agent.put(
      service(),
      conditions(first, READY, NOT_READY),
      slice([endpoint(v1.pod.address4, second), endpoint(v2.pod.address4)], { name: 'web-2' }),
    );
    expect(await answers()).toEqual(by);
    await stage.agent.remove({ kind: 'EndpointSlice', namespace: 'shop', name: 'web-2' });
  });

  test('that move from slice to slice are never missed', async () => {
    const place = (name: string) => slice([endpoint(stage.actors.v1.pod.address4)], { name });
    await stage.agent.put(service(), place('web-1'));
    await stage.agent.remove(place('web-2'));
    const hammer = client.startHammer('tcp', WEB, 80, { ms: 20_000, pauseMicros: 100 });
    for (let round = 0; round < 30; round += 1) {
      const [from, to] = round % 2 === 0 ? ['web-1', 'web-2'] : ['web-2', 'web-1'];
      await stage.agent.put(place(to));
      await stage.agent.remove(place(from));
    }
    const { errors, by, total } = await hammer.stop();
    expect({ errors, by: Object.keys(by) }).toEqual({ errors: {}, by: ['v1'] });
    expect(total).toBeGreaterThan(20);
  });

  test('with weight 0 get no new connection, and keep those that they have', async () => {
    await stage.agent.put(service(), conditions());
    const fds = await Promise.all(Array.from({ length: 12 }, () => client.socket('tcp4')));
    for (const fd of fds) await client.connect(fd, WEB, 80);
    await stage.agent.put(policy([{ pod: 'v1', weight: 0 }, { pod: 'v2', weight: 1 }, { weight: 3 }]));
    expect(await answers()).toEqual(['v2', 'v3']);
    for (const fd of fds) {
      expect(await client.recv(fd)).toMatchObject({ text: expect.stringMatching(/^v[123]\n$/) });
      expect(await client.exchange(fd, 10)).toEqual({ sent: 10, received: 10 });
      await client.closeSocket(fd);
    }
    await stage.agent.remove(policy([]));
    expect(await answers()).toEqual(['v1', 'v2', 'v3']);
  });

  test('that flap do not break a connection that is open', async () => {
    await stage.agent.put(service(), conditions(READY, NOT_READY, NOT_READY));
    const fd = await client.socket('tcp4');
    await client.connect(fd, WEB, 80);
    expect(await client.recv(fd)).toEqual({ text: 'v1\n' });
    for (const state of [NOT_READY, READY, SERVES_WHILE_TERMINATING, GONE_SILENT]) {
      await stage.agent.put(conditions(state, READY, NOT_READY));
      expect(await client.exchange(fd, 100)).toEqual({ sent: 100, received: 100 });
    }
    expect(await answers()).toEqual(['v2']);
    await client.closeSocket(fd);
  });
});

describe('a Service', () => {
  test('that is moved to another address is found there, and no longer at the old one', async () => {
    await stage.agent.put(service(), conditions());
    await stage.agent.put(service({ clusterIPs: ['10.96.0.2'] }));
    expect(await answers('10.96.0.2')).toEqual(['v1', 'v2', 'v3']);
    expect(await answers(WEB)).toEqual(LEFT_ALONE);
    await stage.agent.put(service());
    expect(await answers(WEB)).toEqual(['v1', 'v2', 'v3']);
  });

  test('that gives its address to another answers as the other from then on', async () => {
    await stage.agent.put(service(), conditions(READY, NOT_READY, NOT_READY));
    await stage.agent.put(service({ clusterIPs: ['10.96.0.2'] }), ...serviceWith('heir', [WEB], [stage.actors.v3]));
    expect(await answers(WEB)).toEqual(['v3']);
    expect(await answers('10.96.0.2')).toEqual(['v1']);
    await stage.agent.remove(...serviceWith('heir', [], []));
  });

  test('gains and loses ports', async () => {
    const [http, https] = [
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'https', protocol: 'TCP', port: 443 },
    ] as const;
    await stage.agent.put(
      service({ ports: [http, https] }),
      slice([endpoint(stage.actors.v1.pod.address4)], {
        ports: [
          { ...http, port: SERVER_PORT },
          { ...https, port: SERVER_PORT },
        ],
      }),
    );
    expect([await answers(WEB, 80), await answers(WEB, 443)]).toEqual([['v1'], ['v1']]);
    await stage.agent.put(service({ ports: [https] }));
    expect([await answers(WEB, 80), await answers(WEB, 443)]).toEqual([REFUSED, ['v1']]);
    await stage.agent.put(service({ ports: [{ ...https, port: 444 }, http] }));
    expect([await answers(WEB, 80), await answers(WEB, 443), await answers(WEB, 444)]).toEqual([
      ['v1'],
      REFUSED,
      ['v1'],
    ]);
  });

  test('with one port for TCP and UDP loses either and keeps the other', async () => {
    const [tcp, udp] = PORTS as [(typeof PORTS)[number], (typeof PORTS)[number]];
    await stage.agent.put(
      service({ name: 'dns', clusterIPs: ['10.96.0.3'], ports: PORTS }),
      ...slicesOf('dns', [stage.actors.v2]),
    );
    const both = async () => [await answers('10.96.0.3', 80, 'tcp'), await answers('10.96.0.3', 80, 'udp')];
    expect(await both()).toEqual([['v2'], ['v2']]);
    await stage.agent.put(service({ name: 'dns', clusterIPs: ['10.96.0.3'], ports: [udp] }));
    expect(await both()).toEqual([REFUSED, ['v2']]);
    await stage.agent.put(service({ name: 'dns', clusterIPs: ['10.96.0.3'], ports: [tcp] }));
    expect(await both()).toEqual([['v2'], REFUSED]);
  });

  test.each([
    { what: 'headless', fields: { headless: true } },
    { what: 'an ExternalName', fields: { type: 'ExternalName' } },
    { what: 'another proxy’s by its label', fields: { proxyName: 'other' } },
  ] as const)('is left alone while it is $what, and answers before and after', async ({ fields }) => {
    await stage.agent.put(service(), conditions(READY, NOT_READY, NOT_READY));
    expect(await answers()).toEqual(['v1']);
    await stage.agent.put(service(fields));
    expect(await answers()).toEqual(LEFT_ALONE);
    await stage.agent.put(service());
    expect(await answers()).toEqual(['v1']);
  });

  test('with an SCTP port has its other ports routed, and only those', async () => {
    const sctp = { name: 'sctp', protocol: 'SCTP', port: 80 } as const;
    await stage.agent.put(service({ ports: [{ name: 'http', protocol: 'TCP', port: 80 }, sctp] }), conditions(READY));
    expect(await answers()).toEqual(['v1', 'v2', 'v3']);
    expect([...stage.agent.agent.services()].filter(({ service }) => service === 'web')).toHaveLength(1);
  });

  test('that is deleted is left alone, and an open connection through it goes on', async () => {
    await stage.agent.put(service(), conditions(READY, NOT_READY, NOT_READY));
    const fd = await client.socket('tcp4');
    await client.connect(fd, WEB, 80);
    expect(await client.recv(fd)).toEqual({ text: 'v1\n' });
    await stage.agent.remove(service(), conditions());
    expect(await answers()).toEqual(LEFT_ALONE);
    expect(await client.exchange(fd, 100)).toEqual({ sent: 100, received: 100 });
    expect(await client.getpeername(fd)).toEqual({ address: WEB, port: 80 });
    await client.closeSocket(fd);
  });
});
