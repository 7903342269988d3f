import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EndpointObject, Hints } from '../../src/core/model/objects.ts';
import { answersAt } from '../helpers/answers.ts';
import { endpoint, NOT_READY, node, SERVES_WHILE_TERMINATING, service, slice } from '../helpers/objects.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { NODE_PORT, NODE_PORTS, openStage, PORTS, SERVER_PORT, type Stage } from '../helpers/stage.ts';

/**
 * `trafficDistribution`: PreferSameZone (once PreferClose) and PreferSameNode. The slice controller turns it into hints,
 * and these with the zone of the node decide who answers. The agent is on node-a, in zone z1.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NODE = ['192.0.2.10', 'fd00:2::10'] as const;
const SERVERS = ['same-node', 'same-zone', 'far'] as const;

let stage: Stage<'client' | (typeof SERVERS)[number]>;
let shells: readonly SocketShell[];

beforeAll(async () => {
  stage = await openStage({ name: 'topology', clients: ['client'], servers: SERVERS, objects: () => [] });
  shells = [stage.actors.client.shell, await openShell(stage.node)];
});

afterAll(() => stage?.[Symbol.asyncDispose]());

beforeEach(() =>
  stage.agent.put(
    node({ zone: 'z1', addresses: NODE }),
    service({ type: 'NodePort', clusterIPs: WEB, ports: NODE_PORTS }),
  ),
);

const hinted = (zones: readonly string[], nodes: readonly string[] = []): { readonly hints: Hints } => ({
  hints: { zones, nodes },
});
const [FOR_Z1, FOR_Z2, FOR_BOTH] = [hinted(['z1']), hinted(['z2']), hinted(['z1', 'z2'])];
const FOR_NODES = [hinted(['z1'], ['node-a']), hinted(['z1'], ['node-b']), hinted(['z2'], ['node-c'])] as const;
const NO_HINT = {};
const ALL = [...SERVERS].sort();

/** Those servers, in both families; undefined: it is no endpoint. */
const endpoints = (fields: readonly (Partial<EndpointObject> | undefined)[]) =>
  ([4, 6] as const).map((family) =>
    slice(
      SERVERS.flatMap((name, index) => {
        const { address4, address6 } = stage.actors[name].pod;
        const given = fields[index];
        return given === undefined ? [] : [endpoint(family === 4 ? address4 : address6, { pod: name, ...given })];
      }),
      { name: `web-${family}`, family, ports: PORTS.map((port) => ({ ...port, port: SERVER_PORT })) },
    ),
  );

/** Who answers at every address, to everybody on the node: the same everywhere. */
const everywhere = async (): Promise<readonly string[]> => {
  const places = [
    ...WEB.map((address) => ({ address, port: 80 })),
    ...NODE.map((address) => ({ address, port: NODE_PORT })),
  ];
  const seen = new Set<string>();
  for (const shell of shells)
    for (const { address, port } of places)
      for (const kind of ['tcp', 'udp', 'udp-unconnected'] as const)
        seen.add((await answersAt(stage, shell, address, { port, kind, count: 50 })).join());
  expect([...seen]).toHaveLength(1);
  return [...seen].flatMap((names) => names.split(','));
};

describe('connections stay', () => {
  test.each<{ where: string; given: readonly (Partial<EndpointObject> | undefined)[]; by: readonly string[] }>([
    { where: 'in the zone', given: [FOR_Z1, FOR_Z1, FOR_Z2], by: ['same-node', 'same-zone'] },
    {
      where: 'in the zone, with one endpoint that is for both zones',
      given: [FOR_BOTH, FOR_Z2, FOR_Z2],
      by: ['same-node'],
    },
    { where: 'on the node', given: FOR_NODES, by: ['same-node'] },
    {
      where: 'in the zone when the endpoint of the node is not ready',
      given: [{ ...FOR_NODES[0], ...NOT_READY }, FOR_NODES[1], FOR_NODES[2]],
      by: ['same-zone'],
    },
    {
      where: 'in the zone when there is none on the node',
      given: [undefined, FOR_NODES[1], FOR_NODES[2]],
      by: ['same-zone'],
    },
    {
      where: 'in the zone when only some have hints for nodes',
      given: [FOR_NODES[0], FOR_Z1, FOR_Z2],
      by: ['same-node', 'same-zone'],
    },
    { where: 'nowhere when nothing is for this zone', given: [FOR_Z2, FOR_Z2, FOR_Z2], by: ALL },
    { where: 'nowhere when one that is ready has no hint', given: [FOR_Z1, NO_HINT, FOR_Z2], by: ALL },
    {
      where: 'in the zone when one without a hint is not ready',
      given: [FOR_Z1, { ...NO_HINT, ...NOT_READY }, FOR_Z2],
      by: ['same-node'],
    },
    { where: 'nowhere without hints', given: [NO_HINT, NO_HINT, NO_HINT], by: ALL },
    {
      where: 'nowhere when all shut down, whatever hints they had',
      given: [FOR_Z1, FOR_Z2, FOR_Z2].map((given) => ({ ...given, ...SERVES_WHILE_TERMINATING })),
      by: ALL,
    },
  ])('$where: $by', async ({ given, by }) => {
    await stage.agent.put(...endpoints(given));
    expect(await everywhere()).toEqual(by);
  });
});

test('10 connections in a row stay in the zone, and none is refused as its last endpoint goes and comes back', async () => {
  const ten = () => answersAt(stage, stage.actors.client.shell, WEB[0], { count: 10 });
  await stage.agent.put(...endpoints([FOR_Z1, FOR_Z2, FOR_Z2]));
  const hammer = stage.actors.client.shell.startHammer('tcp', WEB[0], 80, { ms: 10_000, pauseMicros: 200 });
  for (let round = 0; round < 5; round += 1) {
    expect(await ten()).toEqual(['same-node']);
    await stage.agent.put(...endpoints([{ ...FOR_Z1, ...NOT_READY }, FOR_Z2, FOR_Z2]));
    expect((await answersAt(stage, stage.actors.client.shell, WEB[0])).toSorted()).toEqual(['far', 'same-zone']);
    await stage.agent.put(...endpoints([FOR_Z1, FOR_Z2, FOR_Z2]));
  }
  const { errors, total } = await hammer.stop();
  expect(errors).toEqual({});
  expect(total).toBeGreaterThan(100);
});

test('hints that change are followed at once', async () => {
  for (const [given, by] of [
    [[FOR_Z1, FOR_Z2, FOR_Z2], ['same-node']],
    [[FOR_Z2, FOR_Z1, FOR_Z2], ['same-zone']],
    [[FOR_Z2, FOR_Z2, FOR_Z1], ['far']],
    [[NO_HINT, FOR_Z2, FOR_Z1], ALL],
    [FOR_NODES, ['same-node']],
  ] as const) {
    await stage.agent.put(...endpoints(given));
    expect(await everywhere()).toEqual(by);
  }
});

test('the zone of the node is followed at once: put on, changed, taken off, and gone with its Node', async () => {
  await stage.agent.put(...endpoints([FOR_Z1, FOR_Z1, FOR_Z2]));
  for (const [zone, by] of [
    ['z2', ['far']],
    ['', ALL],
    ['z1', ['same-node', 'same-zone']],
    ['z9', ALL],
    ['z2', ['far']],
  ] as const) {
    await stage.agent.put(node({ zone, addresses: NODE }));
    expect(await everywhere()).toEqual(by);
  }
  await stage.agent.remove(node());
  expect(await answersAt(stage, stage.actors.client.shell, WEB[0])).toEqual(ALL);
  // Of another node.
  await stage.agent.put(node({ name: 'node-b', zone: 'z1' }));
  expect(await answersAt(stage, stage.actors.client.shell, WEB[0])).toEqual(ALL);
});

test('internalTrafficPolicy Local looks at nodes alone, whatever hints say', async () => {
  await stage.agent.put(
    service({ clusterIPs: WEB, ports: PORTS, internalTrafficPolicy: 'Local' }),
    ...endpoints([
      { ...FOR_Z2, node: 'node-a' },
      { ...FOR_Z1, node: 'node-b' },
      { ...FOR_Z1, node: 'node-c' },
    ]),
  );
  for (const address of WEB) expect(await answersAt(stage, stage.actors.client.shell, address)).toEqual(['same-node']);
});
