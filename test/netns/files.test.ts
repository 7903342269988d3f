import { renameSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { MountedDirectory, manifestOf, ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, NOT_READY, SERVES_WHILE_TERMINATING, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type Hammer, openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** Files of objects change under connections, from the file to the socket. */

const WEB = '10.96.0.1';
const CART = '10.96.0.2';

let node: EmbeddedNode;
let client: SocketShell;
let load: Hammer;
let addresses: Readonly<Record<'v1' | 'v2', string>>;

beforeEach(async () => {
  node = await createNode({ name: 'files' });
  const [v1, v2] = await Promise.all(['v1', 'v2'].map((name) => node.addPod(name)));
  for (const pod of [v1!, v2!]) await (await openShell(pod)).serve('tcp', '*', 8080, pod.name);
  addresses = { v1: v1!.address4, v2: v2!.address4 };
  client = await openShell(await node.addPod('client'));
});

afterEach(() => node?.close());

describe('in a directory', () => {
  let objects: ObjectDirectory;
  let agent: AgentProcess;

  beforeEach(async () => {
    objects = new ObjectDirectory();
    objects.write('web', ...web('v1'));
    objects.write('cart', service({ name: 'cart', clusterIPs: [CART] }), cartSlice('v2'));
    agent = await startAgentProcess(node, { source: objects.path }).ready();
    load = startLoad();
  });

  afterEach(() => objects?.[Symbol.dispose]());

  test('a file that nobody can read keeps its objects as they were last good, and says where it is wrong', async () => {
    const good = heldLines(node.bpfRoot);
    objects.writeText('web', 'kind: Service\nmetadata: [\n');
    objects.write('cart', service({ name: 'cart', clusterIPs: [CART] }), cartSlice('v1'));
    await retryUntil(async () => (await client.whoAnswers('tcp', CART, 80)) === 'v1');
    expect(heldLines(node.bpfRoot).find((line) => line.startsWith(WEB))).toBe(
      good.find((line) => line.startsWith(WEB)),
    );
    const complaint = agent.log.find(({ level }) => level === 'error');
    expect(complaint).toMatchObject({ file: expect.stringContaining('web.yaml'), line: expect.any(Number) });
    expect(await agent.status()).toMatchObject({ complaints: { errors: 1 }, objects: { services: 2 } });

    objects.write('web', ...web('v1', 'v2'));
    await held(objects);
    expect(await agent.status()).toMatchObject({ complaints: { errors: 0 } });
    await noneFailed();
  });

  test('one invalid object keeps its last good state while its neighbours change', async () => {
    const [invalid, sliceOfV2] = web('v2').map(manifestOf);
    const texts = [{ ...invalid, spec: { clusterIP: WEB, ports: 7 } }, sliceOfV2].map((each) => JSON.stringify(each));
    objects.writeText('web', texts.join('\n---\n'));
    await retryUntil(async () => (await client.whoAnswers('tcp', WEB, 80)) === 'v2');
    expect(await agent.status()).toMatchObject({ complaints: { errors: 1 }, objects: { services: 2 } });
    await noneFailed();
  });

  test('a file that goes takes its Service along, and leaves the others', async () => {
    expect(await client.whoAnswers('tcp', CART, 80)).toBe('v2');
    objects.remove('cart');
    await held(objects);
    expect(await client.whoAnswers('tcp', CART, 80)).toBe('EHOSTUNREACH');
    await noneFailed();
  });

  test.each([
    ['a file that nobody can read', () => 'kind: Service\nmetadata: [\n'],
    ['an empty file', () => ''],
    ['an invalid EndpointSlice', () => webWith('endpoints', 7)],
  ])('%s leaves its Service as it was, over a restart of the agent as well', async (_, text) => {
    const before = heldLines(node.bpfRoot);
    await agent.stop();
    objects.writeText('web', text());
    objects.write('cart', service({ name: 'cart', clusterIPs: [CART] }), cartSlice('v1'));
    agent = await startAgentProcess(node, { source: objects.path }).ready();
    expect(heldLines(node.bpfRoot).filter((line) => line.startsWith(WEB))).toEqual(
      before.filter((line) => line.startsWith(WEB)),
    );
    expect(await client.whoAnswers('tcp', CART, 80)).toBe('v1');
    expect((await agent.status()).source).toMatchObject({ synced: true, whole: false, trouble: '' });
    expect(agent.log.filter(({ msg }) => msg.startsWith('ready: what could be read'))).toHaveLength(1);

    objects.write('web', ...web('v2'));
    await held(objects);
    expect((await agent.status()).source.whole).toBe(true);
    await noneFailed();
  });

  test('a directory that goes as a whole is trouble and no empty cluster', async () => {
    const before = heldLines(node.bpfRoot);
    const away = `${objects.path}-away`;
    renameSync(objects.path, away);
    await agent.logged('the source is in trouble');
    expect(heldLines(node.bpfRoot)).toEqual(before);
    expect((await agent.status()).source.trouble).not.toBe('');
    renameSync(away, objects.path);
    objects.write('web', ...web('v2'));
    await held(objects);
    expect((await agent.status()).source.trouble).toBe('');
    await noneFailed();
  });

  test('an endpoint that leaves as a pod does, terminating first, fails no connection', async () => {
    objects.write('web', ...web('v1', 'v2'));
    await held(objects);
    const endpoints = [endpoint(addresses.v1, SERVES_WHILE_TERMINATING), endpoint(addresses.v2)];
    objects.write('web', service(), slice(endpoints));
    await held(objects);
    expect(await client.hammer('tcp', WEB, 80, { count: 100, reset: true })).toMatchObject({ by: { v2: 100 } });
    // The last one that serves is used although it terminates; then nobody is left.
    objects.write('web', service(), slice([endpoint(addresses.v1, SERVES_WHILE_TERMINATING)]));
    await held(objects);
    expect(await client.hammer('tcp', WEB, 80, { count: 100, reset: true })).toMatchObject({ by: { v1: 100 } });
    await noneFailed();
    objects.write('web', service(), slice([endpoint(addresses.v1, NOT_READY)]));
    await held(objects);
    expect(await client.whoAnswers('tcp', WEB, 80)).toBe('ECONNREFUSED');
  });
});

test('files mounted from a ConfigMap change all at once, and no connection fails', async () => {
  using mounted = new MountedDirectory();
  mounted.replace({ web: web('v1'), cart: [service({ name: 'cart', clusterIPs: [CART] }), cartSlice('v1')] });
  const agent = await startAgentProcess(node, { source: mounted.path }).ready();
  load = startLoad();
  const changes = (): number => agent.log.filter(({ msg }) => msg === 'applied').length;
  const before = changes();
  for (const version of ['v2', 'v1', 'v2'] as const) {
    mounted.replace({ web: web(version), cart: [service({ name: 'cart', clusterIPs: [CART] }), cartSlice(version)] });
    await held(mounted);
    for (const address of [WEB, CART])
      expect(await client.hammer('tcp', address, 80, { count: 50, reset: true })).toMatchObject({
        by: { [version]: 50 },
      });
  }
  expect(changes()).toBe(before + 3);
  await noneFailed();
});

const startLoad = (): Hammer => client.startHammer('tcp', WEB, 80, { threads: 2, reset: true, pauseMicros: 300 });

const noneFailed = async (): Promise<void> => {
  const { errors, total } = await load.stop();
  expect({ errors, some: total > 50 }).toEqual({ errors: {}, some: true });
};

const held = async (objects: ObjectDirectory | MountedDirectory): Promise<void> => {
  const wanted = wantedLines(await objects.read());
  await retryUntil(() => {
    expect(heldLines(node.bpfRoot)).toEqual(wanted);
    return true;
  });
};

const web = (...versions: readonly ('v1' | 'v2')[]): readonly ClusterObject[] => [
  service(),
  slice(versions.map((version) => endpoint(addresses[version]))),
];

/** The objects of `web`, the second of them with another value of that field. */
const webWith = (field: string, value: unknown): string => {
  const [first, second] = web('v1').map(manifestOf);
  return [first, { ...second, [field]: value }].map((each) => JSON.stringify(each)).join('\n---\n');
};

const cartSlice = (version: 'v1' | 'v2'): ClusterObject =>
  slice([endpoint(addresses[version])], { name: 'cart', service: 'cart' });
