import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndpointObject, ServiceObject } from '../../src/core/model/objects.ts';
import { answersAt } from '../helpers/answers.ts';
import {
  endpoint,
  GONE_SILENT,
  NOT_READY,
  node,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../helpers/objects.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { NODE_PORT, NODE_PORTS, openStage, PORTS, SERVER_PORT, type Stage } from '../helpers/stage.ts';

/**
 * `internalTrafficPolicy: Local` holds the cluster addresses to the endpoints of this node. Who answers there and who
 * answers at a node port is then decided apart: each by its own ready endpoints, and by its own terminating ones when
 * there is none.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NODE = ['192.0.2.10', 'fd00:2::10'] as const;
const REFUSED = ['ECONNREFUSED'];
const LOCAL = { internalTrafficPolicy: 'Local' } as const;
const KINDS = ['tcp', 'udp', 'udp-unconnected'] as const;

let stage: Stage<'client' | 'v1' | 'v2'>;
let host: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'policy',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: () => [node({ addresses: NODE })],
  });
  host = await openShell(stage.node);
  for (const kind of ['tcp', 'udp'] as const) await host.serve(kind, '*', SERVER_PORT, 'host');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const web = (fields: Partial<ServiceObject> = {}): ServiceObject =>
  service({ type: 'NodePort', clusterIPs: WEB, ports: NODE_PORTS, ...fields });

type Place = { readonly address4: string; readonly address6: string };

const slices = (endpoints: readonly (readonly [Place, Partial<EndpointObject>])[]) =>
  ([4, 6] as const).map((family) =>
    slice(
      endpoints.map(([place, fields]) => endpoint(family === 4 ? place.address4 : place.address6, fields)),
      { name: `web-${family}`, family, ports: PORTS.map((port) => ({ ...port, port: SERVER_PORT })) },
    ),
  );

/** To pods and to processes of the node, by every protocol, in both families: the same to all of them. */
const answers = async (addresses: readonly string[], port: number): Promise<readonly string[]> => {
  const seen = new Set<string>();
  for (const shell of [stage.actors.client.shell, host])
    for (const address of addresses)
      for (const kind of KINDS) seen.add((await answersAt(stage, shell, address, { port, kind, count: 40 })).join());
  expect([...seen]).toHaveLength(1);
  return [...seen].flatMap((names) => names.split(','));
};

const both = async () => ({ cluster: await answers(WEB, 80), node: await answers(NODE, NODE_PORT) });

const HERE = { node: 'node-a' } as const;
const AWAY = { node: 'node-b' } as const;
const NOBODY = { cluster: REFUSED, node: REFUSED };

interface Row {
  readonly what: string;
  /** Of v1, on this node, and v2, on another. */
  readonly given: readonly [Partial<EndpointObject>, Partial<EndpointObject>];
  readonly fields?: Partial<ServiceObject>;
  readonly by: { readonly cluster: readonly string[]; readonly node: readonly string[] };
}

describe('with one endpoint here (v1) and one on another node (v2)', () => {
  test.each<Row>([
    { what: 'both ready, policy Cluster', given: [{}, {}], by: { cluster: ['v1', 'v2'], node: ['v1', 'v2'] } },
    { what: 'both ready', given: [{}, {}], fields: LOCAL, by: { cluster: ['v1'], node: ['v1', 'v2'] } },
    {
      what: 'the local one shuts down',
      given: [SERVES_WHILE_TERMINATING, {}],
      fields: LOCAL,
      by: { cluster: ['v1'], node: ['v2'] },
    },
    {
      what: 'the local one shuts down, policy Cluster',
      given: [SERVES_WHILE_TERMINATING, {}],
      by: { cluster: ['v2'], node: ['v2'] },
    },
    {
      what: 'the local one is not ready',
      given: [NOT_READY, {}],
      fields: LOCAL,
      by: { cluster: REFUSED, node: ['v2'] },
    },
    {
      what: 'the local one has gone silent',
      given: [GONE_SILENT, {}],
      fields: LOCAL,
      by: { cluster: REFUSED, node: ['v2'] },
    },
    {
      what: 'the distant one shuts down',
      given: [{}, SERVES_WHILE_TERMINATING],
      fields: LOCAL,
      by: { cluster: ['v1'], node: ['v1'] },
    },
    {
      what: 'both shut down and serve',
      given: [SERVES_WHILE_TERMINATING, SERVES_WHILE_TERMINATING],
      fields: LOCAL,
      by: { cluster: ['v1'], node: ['v1', 'v2'] },
    },
    {
      what: 'only the distant one still serves',
      given: [GONE_SILENT, SERVES_WHILE_TERMINATING],
      fields: LOCAL,
      by: { cluster: REFUSED, node: ['v2'] },
    },
    { what: 'none serves', given: [NOT_READY, GONE_SILENT], fields: LOCAL, by: NOBODY },
    { what: 'none serves, policy Cluster', given: [NOT_READY, GONE_SILENT], by: NOBODY },
    {
      what: 'none is ready, but addresses are published all the same',
      given: [NOT_READY, GONE_SILENT],
      fields: { publishNotReadyAddresses: true },
      by: { cluster: ['v1', 'v2'], node: ['v1', 'v2'] },
    },
    {
      what: 'none is ready, but addresses are published all the same, policy Local',
      given: [NOT_READY, GONE_SILENT],
      fields: { publishNotReadyAddresses: true, ...LOCAL },
      by: { cluster: ['v1'], node: ['v1', 'v2'] },
    },
  ])('$what: $by.cluster answer at the cluster address, $by.node at the node port', async ({ given, fields, by }) => {
    const { v1, v2 } = stage.actors;
    const [one, other] = given;
    await stage.agent.put(
      web(fields),
      ...slices([
        [v1.pod, { ...HERE, ...one }],
        [v2.pod, { ...AWAY, ...other }],
      ]),
    );
    expect(await both()).toEqual(by);
  });
});

test('publishNotReadyAddresses is followed as it is put on and taken off', async () => {
  const { v1, v2 } = stage.actors;
  await stage.agent.put(
    ...slices([
      [v1.pod, NOT_READY],
      [v2.pod, GONE_SILENT],
    ]),
  );
  for (const publishNotReadyAddresses of [false, true, false]) {
    await stage.agent.put(web({ publishNotReadyAddresses }));
    const by = publishNotReadyAddresses ? ['v1', 'v2'] : REFUSED;
    expect(await both()).toEqual({ cluster: by, node: by });
  }
});

test('internalTrafficPolicy is followed as it changes, and so are endpoints that come to this node and leave it', async () => {
  const { v1, v2 } = stage.actors;
  const away = slices([
    [v1.pod, AWAY],
    [v2.pod, AWAY],
  ]);
  const here = slices([
    [v1.pod, AWAY],
    [v2.pod, HERE],
  ]);
  await stage.agent.put(web(LOCAL), ...away);
  expect(await answers(WEB, 80)).toEqual(REFUSED);
  await stage.agent.put(...here);
  expect(await answers(WEB, 80)).toEqual(['v2']);
  await stage.agent.put(web());
  expect(await answers(WEB, 80)).toEqual(['v1', 'v2']);
  await stage.agent.put(web(LOCAL), ...away);
  expect(await answers(WEB, 80)).toEqual(REFUSED);
});

test('an endpoint in the network of the node is one of this node', async () => {
  const { address4, address6 } = stage.node;
  const { v2 } = stage.actors;
  await stage.agent.put(
    web(LOCAL),
    ...slices([
      [{ address4, address6 }, HERE],
      [v2.pod, AWAY],
    ]),
  );
  expect(await both()).toEqual({ cluster: ['host'], node: ['host', 'v2'] });
  await stage.agent.put(
    ...slices([
      [{ address4, address6 }, AWAY],
      [v2.pod, HERE],
    ]),
  );
  expect(await both()).toEqual({ cluster: ['v2'], node: ['host', 'v2'] });
});
