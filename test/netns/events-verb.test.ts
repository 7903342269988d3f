import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EVENT_CONTROL } from '../../src/abi/layout.gen.ts';
import { loadWord } from '../../src/abi/memory.ts';
import type { EventLine } from '../../src/agent/event-view.ts';
import { SHUNT } from '../helpers/agent-process.ts';
import { endpoint, pod, service, slice } from '../helpers/objects.ts';
import { openPinnedTables } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShellIn } from '../helpers/shell-in-cgroup.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openTraffic, type Traffic } from '../helpers/traffic.ts';

/** `shunt events` and the agent as processes, however either of them ends. */

const WEB = '10.96.0.1';
const EMPTY = '10.96.0.2';
const UID = '0f3a1c5e-7d2b-4c8e-9a61-0123456789ab';

let traffic: Traffic<'v1'>;
let client: SocketShell;

beforeEach(async () => {
  traffic = await openTraffic<'v1'>('events-verb', { clients: [], servers: ['v1'] });
  traffic.objects.write(
    'objects',
    service({ clusterIPs: [WEB] }),
    slice([endpoint(traffic.actors.v1.pod.address4, { pod: 'v1' })]),
    service({ name: 'empty', clusterIPs: [EMPTY] }),
    pod({ name: 'asker', cgroupUid: UID, addresses: [] }),
  );
  client = await startClient();
  await traffic.startAgent();
});

afterEach(() => traffic?.[Symbol.asyncDispose]());

/** In a container of the Pod `asker`. */
const startClient = async (): Promise<SocketShell> => {
  const place = await traffic.node.addPod('asker');
  return openShellIn(place, `${traffic.node.cgroup}/kubepods/burstable/pod${UID}/container`);
};

/** `every` as the kernel sees it now. */
const wish = (): number => {
  using pinned = openPinnedTables(traffic.node.bpfRoot);
  return loadWord(pinned.memory.event_control, 0, EVENT_CONTROL.every);
};

interface Verb {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly errors: string[];
  /** Exit status and signal. */
  readonly ended: Promise<unknown[]>;
}

/** Resolves when the kernel tells. */
const watch = async (...args: readonly string[]): Promise<Verb> => {
  const child = spawn(SHUNT, ['events', ...args, '--socket', traffic.agent.socket], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const ended = once(child, 'close');
  await retryUntil(() => wish() === 1);
  return { child, lines, errors, ended };
};

test('the verb shows who asked whom, and ends at Ctrl-C; then the kernel tells nothing any more', async () => {
  const verb = await watch();
  expect(await client.whoAnswers('tcp', WEB, 80)).toBe('v1');
  expect(await client.whoAnswers('tcp', EMPTY, 80)).toBe('ECONNREFUSED');
  await retryUntil(() => verb.lines.length >= 3);
  expect(verb.lines.map((line) => line.replace(/^\S+ /, '').replace(/ (connect|lasted) [\d.]+ \w+/g, ''))).toEqual([
    expect.stringMatching(/^established +TCP shop\/asker -> shop\/web 10\.96\.0\.1:80 -> 10\.244\.\d+\.\d+:8080$/),
    expect.stringMatching(/^closed +TCP shop\/asker -> shop\/web .*:8080 sent \d+ B received \d+ B$/),
    expect.stringMatching(/^rejected no endpoint +TCP shop\/asker -> shop\/empty 10\.96\.0\.2:80$/),
  ]);
  verb.child.kill('SIGINT');
  expect(await verb.ended).toEqual([0, null]);
  expect(verb.errors).toEqual(['3 shown']);
  await retryUntil(() => wish() === 0);
});

test('filters leave out the rest, and -o json prints what the API tells', async () => {
  const verb = await watch('shop/empty', '--outcome', 'rejected_no_endpoint', '--from', 'shop/asker', '-o', 'json');
  await client.whoAnswers('tcp', WEB, 80);
  await traffic.actors.v1.shell.whoAnswers('tcp', EMPTY, 80);
  await client.whoAnswers('tcp', EMPTY, 80);
  const events = () => verb.lines.map((line): EventLine => JSON.parse(line)).filter((line) => !('sampling' in line));
  await retryUntil(() => events().length > 0);
  verb.child.kill('SIGTERM');
  expect(await verb.ended).toEqual([0, null]);
  expect(events()).toEqual([
    expect.objectContaining({ service: 'shop/empty', from: expect.objectContaining({ pod: 'asker' }) }),
  ]);
});

test('the kernel tells nothing any more when the verb is killed', async () => {
  const verb = await watch();
  verb.child.kill('SIGKILL');
  await verb.ended;
  await retryUntil(() => wish() === 0);
});

test('the verb says that the agent is gone, and the next agent has the kernel tell nothing', async () => {
  const verb = await watch();
  await traffic.agent.kill();
  expect(await verb.ended).toEqual([1, null]);
  expect(verb.errors.join('\n')).toContain('SHUNT_E_NO_AGENT');
  expect(wish()).toBe(1);
  expect(await client.whoAnswers('tcp', WEB, 80)).toBe('v1');
  await traffic.startAgent();
  expect(wish()).toBe(0);
  const next = await watch('-o', 'json');
  await client.whoAnswers('tcp', EMPTY, 80);
  await retryUntil(() => next.lines.length >= 2);
  // Nothing of what was left in the ring.
  expect(next.lines.filter((line) => line.includes('"outcome"'))).toHaveLength(1);
  await traffic.agent.stop();
  expect(await next.ended).toEqual([1, null]);
});
