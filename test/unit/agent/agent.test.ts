import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AgentOptions, createAgent } from '../../../src/agent/agent.ts';
import type { ChangeSummary } from '../../../src/agent/view.ts';
import type { ClusterObject, Complaint } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import type { Source, SourceSink } from '../../../src/sources/source.ts';
import { agentObserver } from '../../helpers/agent-observer.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { complaintLines, endpoint, pod, policy, service, slice } from '../../helpers/objects.ts';
import { narrowed, route } from '../../helpers/route-objects.ts';
import { STATUS } from '../http/fake-view.ts';

const RESYNC_MS = 60_000;
const CAPACITY = { frontends: 8, slots: 64, backends: 64, services: 8 };

/** An agent on a dataplane in memory, in time that stands still. */
const stage = async (
  dataplane = new FakeDataplane(CAPACITY),
  more: Pick<AgentOptions, 'clients' | 'sameNode'> & Pick<Source, 'watches'> = {},
) => {
  const clock = new ManualClock();
  const told = {
    synced: 0,
    ready: [] as ChangeSummary[],
    changes: [] as ChangeSummary[],
    failures: [] as unknown[],
    ended: [] as number[],
  };
  const complaints: Complaint[] = [];
  const programmedMs: number[] = [];
  const { promise, resolve } = Promise.withResolvers<SourceSink>();
  const { watches, ...options } = more;
  const source: Source = {
    name: 'test',
    start: async (sink) => resolve(sink),
    stop: async () => {},
    ...(watches === undefined ? {} : { watches }),
  };
  const agent = createAgent({
    version: '1.2.3',
    node: { name: 'node-a', proxyName: '', externalIPs: false },
    source,
    dataplane,
    clock,
    resyncMs: RESYNC_MS,
    ...options,
    observer: agentObserver((error) => told.failures.push(error), {
      onSynced: () => told.synced++,
      onReady: (summary) => told.ready.push(summary),
      onChange: (summary) => told.changes.push(summary),
      onProgrammed: (durationsMs) => programmedMs.push(...durationsMs),
      onComplaints: (fresh) => complaints.push(...fresh),
      onSocketsKept: () => told.ended.push(0),
      onSocketsEnded: (count) => told.ended.push(count),
    }),
  });
  await agent.start();
  const sink = await promise;
  const put = (...objects: readonly ClusterObject[]): void =>
    sink.onChange(
      objects.map((object) => ({ type: 'put', object })),
      [],
      true,
    );
  return { agent, clock, dataplane, sink, put, told, complaints, programmedMs };
};

const WEB = [service(), slice([endpoint('10.244.1.1'), endpoint('10.244.1.2')])] as const;
const WEB_LINES = /^10\.96\.0\.1:80\/TCP -> .*10\.244\.1\.1:8080.*10\.244\.1\.2:8080/;

test('first responses that cannot be measured are complained about once, as soon as a change has shown it', async () => {
  const firstResponse: { unavailable: string | undefined } = { unavailable: undefined };
  const { agent, clock, sink, put, complaints } = await stage(
    Object.assign(new FakeDataplane(CAPACITY), { firstResponse }),
  );
  put(...WEB);
  sink.onSynced();
  await clock.advance(1);
  expect(complaintLines(complaints)).toEqual([]);
  firstResponse.unavailable = 'this kernel cannot';
  for (const firstResponseTime of ['Measure', 'Ignore'] as const) {
    put(policy([], { firstResponseTime }));
    await clock.advance(1000);
  }
  expect(complaintLines(complaints)).toEqual(['warning: first response times : this kernel cannot']);
  firstResponse.unavailable = undefined;
  expect(agent.complaints()).toEqual([]);
});

describe('the start', () => {
  test('nothing is written before everything that exists is known', async () => {
    const { agent, clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    await clock.advance(1000);
    expect({ dump: dataplane.dump(), ready: agent.status().ready }).toEqual({ dump: '', ready: false });
    const question = { address: '10.96.0.2', port: 80, protocol: 'TCP' } as const;
    const detached = ['shunt_connect4', 'shunt_connect6'];
    expect(agent.explain(question)).toMatchObject({ outcome: 'left alone', unread: true, detached });
    sink.onSynced();
    expect(agent.explain(question)).not.toHaveProperty('unread');
    expect({ dump: dataplane.dump(), synced: told.synced }).toEqual({ dump: '', synced: 1 });
    await clock.advance(1);
    expect(agent.explain(question)).not.toHaveProperty('detached');
    expect(dataplane.dump()).toMatch(WEB_LINES);
    expect(agent.status()).toMatchObject({ ready: true, source: { synced: true } });
    expect(told.ready).toHaveLength(1);
  });

  test('a second agent finds everything in force and writes nothing', async () => {
    const first = await stage();
    first.put(...WEB);
    first.sink.onSynced();
    await first.clock.advance(1);
    await first.agent.stop();
    const second = await stage(first.dataplane);
    second.put(...WEB);
    second.sink.onSynced();
    await second.clock.advance(1);
    expect(second.told.ready).toMatchObject([
      { writes: { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 } },
    ]);
    expect([...second.agent.services()].map(({ id }) => id)).toEqual(['shop/web/http/TCP']);
  });

  test('what the cluster has lost meanwhile is removed by the next agent, once it knows everything', async () => {
    const first = await stage();
    first.put(...WEB, service({ name: 'old', clusterIPs: ['10.96.0.9'] }));
    first.sink.onSynced();
    await first.clock.advance(1);
    await first.agent.stop();
    const second = await stage(first.dataplane);
    second.put(...WEB);
    await second.clock.advance(1000);
    expect(first.dataplane.dump()).toContain('10.96.0.9:80/TCP');
    second.sink.onSynced();
    await second.clock.advance(1);
    expect(first.dataplane.dump()).not.toContain('10.96.0.9');
    expect(first.dataplane.dump()).toMatch(WEB_LINES);
  });

  test('tables that are too small for the cluster grow once', async () => {
    const { clock, dataplane, sink, put, told } = await stage();
    const grow = vi.spyOn(dataplane, 'grow');
    for (let index = 1; index <= 200; index++) {
      const name = `s${index}`;
      const endpoints = [1, 2, 3].map((last) => endpoint(`10.24${last}.0.${index}`));
      put(service({ name, clusterIPs: [`10.96.0.${index}`] }), slice(endpoints, { name, service: name }));
    }
    sink.onSynced();
    await clock.advance(50);
    expect(grow).toHaveBeenCalledTimes(1);
    expect(told.ready).toMatchObject([{ ports: 200, writes: { backends: 600, frontends: 400 } }]);
  });
});

describe('a change', () => {
  test('is in force a millisecond later', async () => {
    const { clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    put(slice([endpoint('10.244.1.7')]));
    await clock.advance(1);
    expect(dataplane.dump()).toContain('10.244.1.7:8080');
    expect(told.changes.at(-1)).toMatchObject({
      ports: 1,
      writes: { backends: 1, slots: 2, frontends: 1, removed: 2 },
    });
  });

  test('larger than the tables makes them grow', async () => {
    const tiny = new FakeDataplane({ frontends: 1, slots: 2, backends: 2, services: 1 });
    const { agent, clock, dataplane, sink, put } = await stage(tiny);
    put(...WEB);
    for (let index = 2; index < 30; index++) {
      put(
        service({ name: `s${index}`, clusterIPs: [`10.96.0.${index}`] }),
        slice([endpoint(`10.244.2.${index}`)], { name: `s${index}-1`, service: `s${index}` }),
      );
    }
    sink.onSynced();
    await clock.advance(50);
    expect(dataplane.dump().trim().split('\n')).toHaveLength(2 * 29);
    expect(agent.status().used.services).toBe(29);
  });

  test('tells how long ago Kubernetes saw its reason', async () => {
    const { clock, sink, put, programmedMs } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    await clock.advance(1000);
    put(slice([endpoint('10.244.1.7')], { triggeredAtMs: clock.wallMs() - 250 }));
    await clock.advance(1);
    expect(programmedMs).toEqual([250]);
  });

  test('that cannot be applied for long keeps the times of so many events and no more', async () => {
    const { clock, dataplane, sink, put, programmedMs } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    const failing = vi.spyOn(dataplane, 'apply').mockImplementation(() => {
      throw new Error('full');
    });
    for (let count = 1; count <= 10_500; count++) {
      put(slice([endpoint(`10.244.1.${(count % 9) + 1}`)], { triggeredAtMs: clock.wallMs() + count }));
    }
    await clock.advance(200);
    failing.mockRestore();
    await clock.advance(60_000);
    expect(programmedMs).toHaveLength(10_000);
  });

  test('of a Service takes no address over that is another proxy`s Service`s, whichever came first', async () => {
    const { clock, dataplane, sink, put } = await stage();
    put(service({ name: 'foreign', clusterIPs: ['10.96.0.50'], proxyName: 'other' }));
    const evil = { name: 'evil', type: 'LoadBalancer', loadBalancerIPs: ['10.96.0.50', '10.96.0.51'] } as const;
    put(service(evil), slice([endpoint('10.244.6.6')], { name: 'evil-1', service: 'evil' }));
    sink.onSynced();
    await clock.advance(100);
    expect(dataplane.dump()).not.toContain('10.96.0.50');
    expect(dataplane.dump()).toContain('10.96.0.51:80/TCP');
    put(service({ name: 'late', clusterIPs: ['10.96.0.51'], proxyName: 'other' }));
    await clock.advance(100);
    expect(dataplane.dump()).not.toContain('10.96.0.51');
  });

  test('that comes in the middle of a run takes nothing that another one was found to own', async () => {
    const { clock, dataplane, sink, put } = await stage();
    const lb = (name: string, createdAtMs: number, clusterIP: string) =>
      service({ name, createdAtMs, clusterIPs: [clusterIP], type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] });
    put(lb('owner', 1, '10.96.0.11'));
    put(slice([endpoint('10.244.1.1')], { name: 'owner-1', service: 'owner' }));
    put(service({ name: 'thief', createdAtMs: 2, clusterIPs: ['10.96.0.12'] }));
    put(slice([endpoint('10.244.6.6')], { name: 'thief-1', service: 'thief' }));
    // Comes when claims are staked and the tables are being read, and nothing is planned yet.
    const grace = dataplane.grace.bind(dataplane);
    vi.spyOn(dataplane, 'grace').mockImplementationOnce(async () => {
      put(lb('thief', 2, '10.96.0.12'));
      await grace();
    });
    const owners: string[] = [];
    const apply = dataplane.apply.bind(dataplane);
    vi.spyOn(dataplane, 'apply').mockImplementation((transaction) => {
      apply(transaction);
      owners.push(dataplane.dump().match(/203\.0\.113\.1:80.*/)?.[0] ?? 'nobody');
    });
    sink.onSynced();
    await clock.advance(100);
    expect(owners.length).toBeGreaterThan(0);
    for (const owner of owners) expect(owner).toContain('10.244.1.1:8080');
  });

  test('that moves an address leads it to its new owner in the same step', async () => {
    const { clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    sink.onChange(
      [
        { type: 'delete', ref: { kind: 'Service', namespace: 'shop', name: 'web' } },
        { type: 'put', object: service({ name: 'next' }) },
        { type: 'put', object: slice([endpoint('10.244.3.3')], { name: 'next-1', service: 'next' }) },
      ],
      [],
      true,
    );
    await clock.advance(1);
    expect(dataplane.dump()).toContain('10.244.3.3:8080');
    // The port, and what closes the address; of the old owner go only its records.
    expect(told.changes.at(-1)?.writes).toMatchObject({ frontends: 2, removed: 3 });
  });
});

describe('who looks', () => {
  const crowd = async () => {
    const staged = await stage();
    staged.put(...WEB);
    staged.put(service({ name: 'websocket', clusterIPs: ['10.96.0.2'] }));
    staged.put(service({ namespace: 'shop-old', clusterIPs: ['10.96.0.3'] }));
    staged.sink.onSynced();
    await staged.clock.advance(1);
    return staged;
  };

  test.each([
    { only: undefined, services: ['shop/web', 'shop/websocket', 'shop-old/web'], backends: 2 },
    { only: 'shop', services: ['shop/web', 'shop/websocket'], backends: 2 },
    { only: 'shop/web', services: ['shop/web'], backends: 2 },
    { only: 'shop-old', services: ['shop-old/web'], backends: 0 },
    { only: 'sho', services: [], backends: 0 },
  ])('at $only sees $services with $backends backends', async ({ only, services, backends }) => {
    const { agent } = await crowd();
    expect(Array.from(agent.services(only), ({ namespace, service: name }) => `${namespace}/${name}`)).toEqual(
      services,
    );
    expect([...agent.backends(only)]).toHaveLength(backends);
  });

  test('at one after the other sees each as it is by then, and none that has gone', async () => {
    const { agent, clock, sink } = await crowd();
    const seen: string[] = [];
    for (const { service: name, namespace } of agent.services()) {
      if (seen.push(`${namespace}/${name}`) > 1) continue;
      sink.onChange([{ type: 'delete', ref: { kind: 'Service', namespace: 'shop', name: 'websocket' } }], [], true);
      await clock.advance(100);
    }
    expect(seen).toEqual(['shop/web', 'shop-old/web']);
  });

  test('at what was used sees counters of those Services alone', async () => {
    const { agent, dataplane } = await crowd();
    dataplane.connect('10.96.0.2', 80, 'TCP', 0);
    expect(Array.from(agent.usage(), ({ service: name, stats }) => [name, stats?.rejected])).toEqual([
      ['web', undefined],
      ['websocket', 1],
      ['web', undefined],
    ]);
  });
});

describe('a failure', () => {
  test.each([0, 1, 2, 3, 4])('after %i steps of a change is told, and mended by the next try', async (steps) => {
    const { agent, clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    dataplane.failAfter(steps);
    put(slice([endpoint('10.244.1.2'), endpoint('10.244.1.7')]));
    await clock.advance(1);
    expect(told.failures).toHaveLength(1);
    expect(agent.status().unhealthy).toContain('told to fail here');
    await clock.advance(100);
    expect(agent.status().unhealthy).toBe('');
    expect(dataplane.dump()).toMatch(/10\.244\.1\.2:8080.*10\.244\.1\.7:8080/);
    expect(dataplane.dump()).not.toContain('10.244.1.1:');
  });

  test('leaves to be seen what was in force before', async () => {
    const { agent, clock, dataplane, sink, put } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    dataplane.failAfter(0);
    put(slice([endpoint('10.244.1.7')]));
    await clock.advance(1);
    expect(agent.status().unhealthy).not.toBe('');
    expect([...agent.services()]).toHaveLength(1);
    expect([...agent.backends()].map(({ address }) => address)).toEqual(['10.244.1.1', '10.244.1.2']);
  });

  test('to wait for programs is told, and costs no room for good', async () => {
    const { agent, clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    const { used } = agent.status();
    vi.spyOn(dataplane, 'grace').mockRejectedValueOnce(new Error('no grace'));
    put(slice([endpoint('10.244.1.2'), endpoint('10.244.1.7')]));
    await clock.advance(100);
    expect(told.failures.map(String)).toEqual(['Error: no grace']);
    expect(agent.status().used).toEqual(used);
  });

  test('of somebody else, who changed the tables, is mended by the next comparison', async () => {
    const { clock, dataplane, sink, put } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    const good = dataplane.dump();
    const [held] = dataplane.tables.frontends();
    dataplane.tamper({ ...held!, slotCount: 0 });
    expect(dataplane.dump()).not.toBe(good);
    await clock.advance(RESYNC_MS);
    expect(dataplane.dump()).toBe(good);
  });
});

test('trouble of the source lasts until the source says that it is over', async () => {
  const { agent, sink, put } = await stage();
  sink.onTrouble(new Error('no watches'));
  put(...WEB);
  sink.onSynced();
  expect(agent.status().source.trouble).toBe('no watches');
  sink.onTrouble(undefined);
  expect(agent.status().source.trouble).toBe('');
});

test('a complaint is told once, however often its object is looked at', async () => {
  const { agent, clock, sink, put, complaints } = await stage();
  const sctp = { name: 'sig', protocol: 'SCTP', port: 5000 } as const;
  put(service({ ports: [{ name: 'http', protocol: 'TCP', port: 80 }, sctp] }), WEB[1]);
  sink.onSynced();
  await clock.advance(100);
  put(slice([endpoint('10.244.1.7')]));
  await clock.advance(100);
  expect(complaints).toHaveLength(1);
  expect(agent.complaints()).toHaveLength(1);
});

test('a policy for a route that is not there says so, once everything is known and as long as it is not', async () => {
  const { agent, clock, sink, put } = await stage();
  put(...WEB, narrowed({ tier: 'beta' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }));
  await clock.advance(100);
  expect(agent.complaints()).toEqual([]);
  sink.onSynced();
  await clock.advance(100);
  expect(complaintLines(agent.complaints())).toEqual([
    'warning: TrafficPolicy shop/narrowed spec.targetRefs: ' +
      'there is no TCPRoute shop/split with a Service as its parent: nothing is narrowed',
  ]);
  put(route([{ name: 'web' }]));
  await clock.advance(100);
  expect(agent.complaints()).toEqual([]);
});

test('a policy to which a route leaves nothing says so, until the route may not lead elsewhere any more', async () => {
  const { agent, clock, sink, put } = await stage();
  const V1 = service({ name: 'v1', clusterIPs: ['10.96.0.2'] });
  const LEFT = 'TCPRoute shop/split shares the connections of Service shop/web: none comes to its own endpoints';
  const SAID = [`warning: TrafficPolicy shop/weights spec.targetRefs: nothing of it counts: ${LEFT}`];
  put(...WEB, V1, policy([], { algorithm: 'RoundRobin' }), route([{ name: 'v1' }]));
  sink.onSynced();
  await clock.advance(100);
  expect(complaintLines(agent.complaints())).toEqual(SAID);
  put(
    service({
      ports: [
        { name: 'http', protocol: 'TCP', port: 80 },
        { name: 'admin', protocol: 'TCP', port: 81 },
      ],
    }),
  );
  put(route([{ name: 'v1' }], { parents: [{ port: 80 }] }));
  await clock.advance(100);
  expect(complaintLines(agent.complaints())).toEqual([
    'note: TrafficPolicy shop/weights spec.targetRefs: ' +
      'counts for Service shop/web, but port 80 is left to TCPRoute shop/split',
  ]);
  // A Service that changes alone.
  put(service());
  await clock.advance(100);
  expect(complaintLines(agent.complaints())).toEqual(SAID);
});

describe('the check of the attached programs', () => {
  const CHECK_MS = 10_000;
  const synced = async () => {
    const it = await stage();
    it.put(...WEB);
    it.sink.onSynced();
    await it.clock.advance(1);
    return it;
  };

  test('reports those that were detached, and has them attached again at once', async () => {
    const { clock, dataplane, told } = await synced();
    const activate = vi.spyOn(dataplane, 'activate');
    vi.spyOn(dataplane, 'lostPrograms').mockReturnValueOnce(['shunt_connect4', 'shunt_sockops']);
    await clock.advance(CHECK_MS);
    expect(told.failures).toMatchObject([
      { code: 'SHUNT_E_DETACHED', message: expect.stringContaining('shunt_connect4, shunt_sockops') },
    ]);
    await clock.advance(20);
    expect(activate).toHaveBeenCalledTimes(1);
    await clock.advance(3 * CHECK_MS);
    expect(told.failures).toHaveLength(1);
  });

  test('goes on when the kernel does not answer it', async () => {
    const { clock, dataplane, told } = await synced();
    const failure = new Error('EMFILE');
    const lostPrograms = vi.spyOn(dataplane, 'lostPrograms').mockImplementationOnce(() => {
      throw failure;
    });
    await clock.advance(3 * CHECK_MS);
    expect(told.failures).toEqual([failure]);
    expect(lostPrograms).toHaveBeenCalledTimes(3);
  });
});

describe('connections on one node', () => {
  const pods = [pod({ name: 'a', addresses: ['10.244.1.1'] }), pod({ name: 'b', addresses: ['10.244.1.9'] })];
  const redirect = policy([], { sameNode: 'Redirect' });
  const question = { address: '10.96.0.1', port: 80, protocol: 'TCP', client: 'shop/b' } as const;
  const cannot = 'half-close: data is lost';

  test('go socket to socket as policies ask, from the first change set on', async () => {
    const { agent, clock, dataplane, sink, put } = await stage();
    put(...WEB, ...pods, redirect);
    await clock.advance(1000);
    expect(dataplane.sameNode.told).toEqual([]);
    sink.onSynced();
    await clock.advance(1);
    expect(dataplane.sameNode.joins('10.244.1.9', '10.244.1.1', 8080)).toBe(true);
    expect(agent.status().sameNode).toMatchObject({ attached: true, ends: 3 });
    expect(agent.explain(question).sameNode).toMatchObject([{ address: '10.244.1.1', redirected: true }]);
    put(policy([], { sameNode: 'Plain' }));
    await clock.advance(10);
    expect(dataplane.sameNode.isAttached).toBe(false);
    await agent.stop();
    expect(clock.waiting).toBe(0);
  });

  test('go by TCP where it is turned off, though not all can be read', async () => {
    const { agent, clock, dataplane, sink } = await stage(undefined, { sameNode: false });
    const events = [...WEB, ...pods, redirect].map((object) => ({ type: 'put', object }) as const);
    sink.onChange(events, [], false);
    sink.onSynced();
    await clock.advance(1);
    expect(dataplane.sameNode.told).toEqual([[]]);
    expect(agent.explain(question).sameNode).toMatchObject([{ redirected: false, reason: 'off' }]);
  });

  test('are as they were while not all can be read', async () => {
    const { clock, dataplane, sink } = await stage();
    sink.onChange([], [], false);
    sink.onSynced();
    await clock.advance(1000);
    expect(dataplane.sameNode.told).toEqual([]);
  });

  test('are as they were until the Pods of the node are told, but not for ever', async () => {
    let synced = false;
    const watches = () => [{ ...STATUS.watches[0]!, resource: 'pods', synced }];
    const [told, never] = await Promise.all([stage(undefined, { watches }), stage(undefined, { watches })]);
    for (const { put, sink } of [told, never]) {
      put(...WEB, redirect);
      sink.onSynced();
    }
    await told.clock.advance(30_000);
    expect(told.dataplane.sameNode.told).toEqual([]);
    await never.clock.advance(61_000);
    expect(never.dataplane.sameNode.told).toEqual([[]]);
    synced = true;
    told.put(...pods);
    await told.clock.advance(1000);
    expect(told.dataplane.sameNode.told).toHaveLength(1);
    expect(told.dataplane.sameNode.joins('10.244.1.9', '10.244.1.1', 8080)).toBe(true);
  });

  test('that fail harm no routing, and are complained about once, as soon as it is known', async () => {
    const { agent, clock, dataplane, sink, put, told, complaints } = await stage();
    put(...WEB, ...pods, redirect);
    sink.onSynced();
    await clock.advance(1);
    Object.assign(dataplane.sameNode, { isAttached: false, unavailable: cannot });
    await clock.advance(1000);
    put(slice([endpoint('10.244.1.7')]));
    await clock.advance(1000);
    expect(complaintLines(complaints)).toEqual([`warning: same-node redirection : ${cannot}`]);
    expect(dataplane.dump()).toContain('10.244.1.7:8080');
    expect({ failures: told.failures, warnings: agent.status().complaints.warnings }).toEqual({
      failures: [],
      warnings: 1,
    });
    expect(agent.explain(question).sameNode).toBeUndefined();
  });

  test('that cannot be told harm no routing, either', async () => {
    const { agent, clock, dataplane, sink, put, told, complaints } = await stage();
    dataplane.sameNode.failBecause('EPERM');
    put(...WEB, ...pods, redirect);
    sink.onSynced();
    await clock.advance(10_000);
    expect(dataplane.dump()).toMatch(WEB_LINES);
    expect(complaintLines(complaints)).toEqual([expect.stringMatching(/^warning: same-node redirection : .*EPERM/)]);
    expect({ ready: told.ready.length, failures: told.failures }).toEqual({ ready: 1, failures: [] });
    expect(agent.status()).toMatchObject({ unhealthy: '', sameNode: { attached: false, failures: 4 } });
  });
});

describe('clients', () => {
  const narrow = policy([], { clients: { matchLabels: { app: 'a' }, matchExpressions: [] } });
  const client = pod({ name: 'a', cgroupUid: 'u1' });
  let cgroup: string;

  beforeEach(() => {
    cgroup = mkdtempSync(join(realpathSync(tmpdir()), 'shunt-agent-'));
  });

  afterEach(() => rmSync(cgroup, { recursive: true }));

  test('are known by the first change set, when they run by then', async () => {
    mkdirSync(join(cgroup, 'kubepods/podu1'), { recursive: true });
    const { agent, clock, sink, put, told } = await stage(undefined, { clients: { cgroup, level: 0 } });
    put(...WEB, narrow, client);
    sink.onSynced();
    await clock.advance(1);
    expect(agent.status().clients).toEqual({ found: 1, waiting: 0, refused: 0 });
    await clock.advance(1000);
    expect({ ready: told.ready.length, changes: told.changes }).toEqual({ ready: 1, changes: [] });
    await agent.stop();
    expect(clock.waiting).toBe(0);
  });

  test('that nobody can know are complained about once', async () => {
    const { agent, clock, sink, put, complaints } = await stage(undefined, { clients: { cgroup, level: 0 } });
    put(...WEB, narrow, client);
    sink.onSynced();
    await clock.advance(10_000);
    put(slice([endpoint('10.244.1.7')]));
    await clock.advance(10_000);
    expect(complaintLines(complaints)).toEqual([
      expect.stringMatching(/^warning: cgroup .* the kubelet keeps no Pods/),
    ]);
    expect(agent.complaints()).toEqual(complaints);
    expect(agent.status().clients).toEqual({ found: 0, waiting: 1, refused: 0 });
    await agent.stop();
  });
});
