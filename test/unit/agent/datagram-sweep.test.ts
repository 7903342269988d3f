import { describe, expect, test, vi } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import type { ClusterEvent, Source, SourceSink } from '../../../src/sources/source.ts';
import { agentObserver } from '../../helpers/agent-observer.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { endpoint, GONE_SILENT, policy, SERVES_WHILE_TERMINATING, service, slice } from '../../helpers/objects.ts';

const ADDRESS = '10.96.0.1';
const A = '10.244.1.1';
const B = '10.244.1.2';
const PORTS = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
] as const;
const SERVICE = service({ clusterIPs: [ADDRESS], ports: PORTS });
const TCP_SERVICE = service({ name: 'web', clusterIPs: [ADDRESS], ports: [PORTS[1]] });
const RESYNC_MS = 60_000;
/** Longer than between two sweeps. */
const SOON_MS = 150;

const listed = (...endpoints: Parameters<typeof slice>[0]) => slice(endpoints, { ports: PORTS });

/** An agent that was told of these objects, on a dataplane of its own or on that of another before it. */
const stage = async (
  objects: readonly ClusterObject[],
  { dataplane = new FakeDataplane({ frontends: 8, slots: 64, backends: 64, services: 16 }), whole = true } = {},
) => {
  const clock = new ManualClock();
  const ended: number[] = [];
  const failures: unknown[] = [];
  let kept = 0;
  const { promise, resolve } = Promise.withResolvers<SourceSink>();
  const source: Source = { name: 'test', start: async (sink) => resolve(sink), stop: async () => {} };
  const agent = createAgent({
    version: '1.2.3',
    node: { name: 'node-a', proxyName: '', externalIPs: false },
    source,
    dataplane,
    clock,
    resyncMs: RESYNC_MS,
    observer: agentObserver((error) => failures.push(error), {
      onSocketsKept: () => kept++,
      onSocketsEnded: (count) => ended.push(count),
      onSocketsFailure: (error, retryInMs) => failures.push(error, retryInMs),
    }),
  });
  await agent.start();
  const sink = await promise;
  const change = async (events: readonly ClusterEvent[], isWhole = true, waitMs = SOON_MS): Promise<void> => {
    sink.onChange(events, [], isWhole);
    await clock.advance(waitMs);
  };
  const put = (...more: readonly ClusterObject[]): Promise<void> =>
    change(more.map((object) => ({ type: 'put', object })));
  await change(
    objects.map((object) => ({ type: 'put', object })),
    whole,
  );
  sink.onSynced();
  await clock.advance(SOON_MS);
  const connect = (random32 = 0): number => {
    const cookie = dataplane.connectSocket(ADDRESS, 53, random32);
    if (cookie === undefined) throw new Error('refused');
    return cookie;
  };
  return {
    agent,
    clock,
    dataplane,
    sockets: dataplane.sockets,
    change,
    put,
    connect,
    ended,
    failures,
    kept: () => kept,
  };
};

interface Step {
  readonly title: string;
  readonly objects?: readonly ClusterObject[];
  readonly remove?: readonly ClusterObject[];
  readonly connected: boolean;
}

const ROWS: readonly { readonly title: string; readonly steps: readonly Step[] }[] = [
  { title: 'is removed', steps: [{ title: 'gone', objects: [listed(endpoint(B))], connected: false }] },
  { title: 'was the last one', steps: [{ title: 'gone', objects: [listed()], connected: false }] },
  {
    title: 'stays while another one comes',
    steps: [{ title: 'two', objects: [listed(endpoint(A), endpoint(B))], connected: true }],
  },
  {
    title: 'is drained, then removed',
    steps: [
      {
        title: 'drained',
        objects: [listed(endpoint(A, { pod: 'a' }), endpoint(B)), policy([{ pod: 'a', weight: 0 }])],
        connected: true,
      },
      { title: 'gone', objects: [listed(endpoint(B))], connected: false },
    ],
  },
  {
    title: 'shuts down step by step',
    steps: [
      { title: 'still serves', objects: [listed(endpoint(A, SERVES_WHILE_TERMINATING), endpoint(B))], connected: true },
      { title: 'serves no more', objects: [listed(endpoint(A, GONE_SILENT), endpoint(B))], connected: false },
    ],
  },
  {
    title: 'is no longer local',
    steps: [
      { title: 'elsewhere', objects: [{ ...SERVICE, internalTrafficPolicy: 'Local' }], connected: true },
      { title: 'gone', objects: [listed(endpoint(B, { node: 'node-a' }))], connected: false },
    ],
  },
  { title: 'stays while its Service is deleted', steps: [{ title: 'deleted', remove: [SERVICE], connected: false }] },
  { title: 'stays while its port is removed', steps: [{ title: 'no port', objects: [TCP_SERVICE], connected: false }] },
  {
    title: 'moves to another slice',
    steps: [
      {
        title: 'moved',
        objects: [listed(endpoint(B)), slice([endpoint(A)], { name: 'web-2', ports: PORTS })],
        connected: true,
      },
    ],
  },
];

describe('a connected UDP socket whose endpoint', () => {
  test.each(ROWS)('$title', async ({ steps }) => {
    const { change, sockets, connect, ended, failures } = await stage([SERVICE, listed(endpoint(A))]);
    const cookie = connect();
    for (const { title, objects = [], remove = [], connected } of steps) {
      await change([
        ...objects.map((object): ClusterEvent => ({ type: 'put', object })),
        ...remove.map((ref): ClusterEvent => ({ type: 'delete', ref })),
      ]);
      expect(`${title}: ${sockets.isConnected(cookie)}`).toBe(`${title}: ${connected}`);
    }
    expect(ended).toEqual(sockets.isConnected(cookie) ? [] : [1]);
    expect(failures).toEqual([]);
  });
});

test('the next agent ends sockets whose endpoint went while there was none, but not while it knows only a part', async () => {
  const first = await stage([SERVICE, listed(endpoint(A), endpoint(B))]);
  const cookies = [0, 1, 2, 3].map((quarter) => first.connect(quarter * 2 ** 30));
  await first.agent.stop();
  const { dataplane, sockets } = first;
  const next = await stage([SERVICE, listed(endpoint(B))], { dataplane, whole: false });
  expect(cookies.every((cookie) => sockets.isConnected(cookie))).toBe(true);
  await next.change([], true);
  const left = cookies.filter((cookie) => sockets.isConnected(cookie)).length;
  expect(left).toBeGreaterThan(0);
  expect(next.ended).toEqual([cookies.length - left]);
});

test('the next agent ends sockets of a Service that is gone, where no other has a UDP port', async () => {
  const first = await stage([SERVICE, listed(endpoint(A))]);
  const cookie = first.connect();
  await first.agent.stop();
  const next = await stage([], { dataplane: first.dataplane });
  expect(first.sockets.isConnected(cookie)).toBe(false);
  expect(next.ended).toEqual([1]);
});

test('a change of TCP ports alone looks at no socket', async () => {
  const { dataplane, put } = await stage([TCP_SERVICE, listed(endpoint(A))]);
  const look = vi.spyOn(dataplane, 'staleSockets');
  await put(listed(endpoint(B)));
  expect(look).not.toHaveBeenCalled();
});

test('many changes share a sweep', async () => {
  const { dataplane, clock, change } = await stage([SERVICE, listed(endpoint(A))]);
  const look = vi.spyOn(dataplane, 'staleSockets');
  for (let turn = 0; turn < 50; turn++)
    await change([{ type: 'put', object: listed(endpoint(turn % 2 === 0 ? A : B)) }], true, 20);
  await clock.advance(SOON_MS);
  // 50 changes in a second.
  expect(look.mock.calls.length).toBeGreaterThan(8);
  expect(look.mock.calls.length).toBeLessThanOrEqual(12);
});

test('a sweep that fails is reported, fails no change, and is tried again', async () => {
  const { clock, sockets, put, connect, ended, failures, agent } = await stage([SERVICE, listed(endpoint(A))]);
  const cookie = connect();
  const failure = new Error('EPERM');
  sockets.failNext(failure);
  await put(listed(endpoint(B)));
  expect(failures).toEqual([failure, 1000]);
  expect(agent.health()).toMatchObject({ ready: true, unhealthy: '' });
  expect(sockets.isConnected(cookie)).toBe(true);
  await clock.advance(1000);
  expect(sockets.isConnected(cookie)).toBe(false);
  expect(ended).toEqual([1]);
});

test('a socket that cannot be found is looked for three times, a second apart, and again at each resync', async () => {
  const { clock, dataplane, sockets, put, connect, ended } = await stage([SERVICE, listed(endpoint(A))]);
  sockets.dissolve(connect());
  const end = vi.spyOn(dataplane, 'endSockets');
  await put(listed(endpoint(B)));
  // Others come and go: that is no reason to look for this one more often.
  await put(listed(endpoint(B), endpoint('10.244.1.3')));
  await put(listed(endpoint(B)));
  expect(end).toHaveBeenCalledTimes(1);
  await clock.advance(5000);
  expect(end).toHaveBeenCalledTimes(3);
  await clock.advance(RESYNC_MS + 5000);
  expect(end).toHaveBeenCalledTimes(6);
  expect(ended).toEqual([]);
});

test('a socket that was ended is not looked for again, until it is connected to another endpoint that goes', async () => {
  const { clock, dataplane, sockets, put, connect, ended } = await stage([SERVICE, listed(endpoint(A))]);
  const cookie = connect();
  const end = vi.spyOn(dataplane, 'endSockets');
  await put(listed(endpoint(B)));
  await clock.advance(RESYNC_MS + 5000);
  expect(end).toHaveBeenCalledTimes(1);
  sockets.close(cookie);
  connect();
  await put(listed());
  expect(end).toHaveBeenCalledTimes(2);
  expect(ended).toEqual([1, 1]);
});

test('a kernel that cannot end sockets is said so once, and nothing is looked at', async () => {
  const dataplane = new FakeDataplane({ frontends: 8, slots: 64, backends: 64, services: 16 });
  Object.defineProperty(dataplane, 'socketEnding', { value: 'none' });
  const look = vi.spyOn(dataplane, 'staleSockets');
  const { kept, put, connect, sockets } = await stage([SERVICE, listed(endpoint(A))], { dataplane });
  const cookie = connect();
  await put(listed(endpoint(B)));
  expect(kept()).toBe(1);
  expect(look).not.toHaveBeenCalled();
  expect(sockets.isConnected(cookie)).toBe(true);
});
