import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFrontends } from '../../src/abi/codec.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, SHUNT, startAgentProcess } from '../helpers/agent-process.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, openPinnedTables, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type Hammer, openShell, type SocketShell } from '../helpers/socket-shell.ts';

const run = promisify(execFile);

const WEB = '10.96.0.1';
const CART = '10.96.0.2';
const NOT_APPLIED = 'a change was not applied; trying again';

let node: EmbeddedNode;
let client: SocketShell;
let objects: ObjectDirectory;
let agent: AgentProcess;
let load: Hammer;
let cart: readonly ClusterObject[];

beforeEach(async () => {
  node = await createNode({ name: 'failure' });
  const pod = await node.addPod('v1');
  await (await openShell(pod)).serve('tcp', '*', 8080, 'v1');
  client = await openShell(await node.addPod('client'));
  objects = new ObjectDirectory();
  objects.write('web', service(), slice([endpoint(pod.address4)]));
  cart = [
    service({ name: 'cart', clusterIPs: [CART] }),
    slice([endpoint(pod.address4)], { name: 'cart', service: 'cart' }),
  ];
  agent = await startAgentProcess(node, { source: objects.path }).ready();
  load = client.startHammer('tcp', WEB, 80, { threads: 2, reset: true, pauseMicros: 200 });
});

afterEach(async () => {
  await node?.close();
  objects?.[Symbol.dispose]();
});

test('a table that others have filled is an error in the log, is grown, and takes the change then', async () => {
  fillFrontends();
  const from = agent.log.length;
  objects.write('cart', ...cart);
  expect(await agent.logged(NOT_APPLIED)).toMatchObject({
    level: 'error',
    err: {
      code: 'SHUNT_E_APPLY',
      message: expect.stringMatching(/took 0 of 2 changes, then frontends: put failed: .*E2BIG/),
    },
    retryInMs: 100,
  });
  await agent.logged('applied', from);
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(await objects.read()));
  expect(await client.whoAnswers('tcp', CART, 80)).toBe('v1');
  expect(await agent.status()).toMatchObject({ unhealthy: '', ready: true });
  expect((await load.stop()).errors).toEqual({});
});

test('a table that takes nothing any more is tried again and again, while traffic goes on as it was', async () => {
  const before = heldLines(node.bpfRoot);
  await run('bpftool', ['map', 'freeze', 'pinned', `${listSets(node.bpfRoot)[0]?.path}/frontends`]);
  objects.write('cart', ...cart);
  await retryUntil(() => agent.log.filter(({ msg }) => msg === NOT_APPLIED).length >= 3);
  const retries = agent.log.filter(({ msg }) => msg === NOT_APPLIED).map(({ retryInMs }) => retryInMs);
  expect(retries.slice(0, 3)).toEqual([100, 200, 400]);
  expect((await agent.status()).unhealthy).toContain('EPERM');
  expect(heldLines(node.bpfRoot)[0]).toEqual(before[0]);
  expect(await client.whoAnswers('tcp', CART, 80)).toBe('EHOSTUNREACH');
  expect((await load.stop()).errors).toEqual({});

  // What the error's help comes down to: new tables.
  expect(await agent.stop()).toBe(0);
  await run(SHUNT, ['unload', '--bpf-root', node.bpfRoot, '--socket', agent.socket]);
  agent = await startAgentProcess(node, { source: objects.path }).ready();
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(await objects.read()));
  expect(await client.whoAnswers('tcp', CART, 80)).toBe('v1');
});

/** Entries that lead nowhere, in every place that is free. */
const fillFrontends = (): void => {
  using pinned = openPinnedTables(node.bpfRoot);
  const count = pinned.tables.capacity.frontends - [...pinned.tables.frontends()].length;
  const entries = Array.from({ length: count }, (_, index) => ({
    address: `10.99.${index >> 8}.${index & 255}`,
    port: 1,
    protocol: 'TCP' as const,
    service: 0xffff_ffff,
    slotBase: 0,
    slotCount: 1,
    scope: 'cluster' as const,
  }));
  const { keys, values } = encodeFrontends(entries);
  expect(pinned.frontends.update(keys, values, count)).toBe(count);
};
