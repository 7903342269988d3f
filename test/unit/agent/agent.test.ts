import { describe, expect, test } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import type { ChangeSummary } from '../../../src/agent/view.ts';
import type { ClusterObject, Complaint } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import type { Source, SourceSink } from '../../../src/sources/source.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { endpoint, service, slice } from '../../helpers/objects.ts';

const RESYNC_MS = 60_000;

/** An agent on a dataplane in memory, in time that stands still. */
const stage = async (capacity = { frontends: 8, slots: 64, backends: 64, services: 8 }) => {
  const clock = new ManualClock();
  const dataplane = new FakeDataplane(capacity);
  const told = { ready: [] as ChangeSummary[], changes: [] as ChangeSummary[], failures: [] as unknown[] };
  const complaints: Complaint[] = [];
  const programmedMs: number[] = [];
  const { promise, resolve } = Promise.withResolvers<SourceSink>();
  const source: Source = { name: 'test', start: async (sink) => resolve(sink), stop: async () => {} };
  const agent = createAgent({
    version: '1.2.3',
    node: { name: 'node-a', proxyName: '' },
    source,
    dataplane,
    clock,
    resyncMs: RESYNC_MS,
    observer: {
      onReady: (summary) => told.ready.push(summary),
      onChange: (summary) => told.changes.push(summary),
      onProgrammed: (durationsMs) => programmedMs.push(...durationsMs),
      onComplaints: (fresh) => complaints.push(...fresh),
      onSourceTrouble: () => {},
      onFailure: (error) => told.failures.push(error),
    },
  });
  await agent.start();
  const sink = await promise;
  const put = (...objects: readonly ClusterObject[]): void =>
    sink.onChange(
      objects.map((object) => ({ type: 'put', object })),
      [],
    );
  return { agent, clock, dataplane, sink, put, told, complaints, programmedMs };
};

const WEB = [service(), slice([endpoint('10.244.1.1'), endpoint('10.244.1.2')])] as const;
const WEB_LINES = /^10\.96\.0\.1:80\/TCP -> .*10\.244\.1\.1:8080.*10\.244\.1\.2:8080/;

describe('the start', () => {
  test('nothing is written before everything that exists is known', async () => {
    const { agent, clock, dataplane, sink, put, told } = await stage();
    put(...WEB);
    await clock.advance(1000);
    expect({ dump: dataplane.dump(), ready: agent.status().ready }).toEqual({ dump: '', ready: false });
    sink.onSynced();
    await clock.advance(1);
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
    const clock = new ManualClock();
    const { promise, resolve } = Promise.withResolvers<ChangeSummary>();
    const agent = createAgent({
      version: '1.2.3',
      node: { name: 'node-a', proxyName: '' },
      source: {
        name: 'test',
        start: async (sink) => {
          sink.onChange(
            WEB.map((object) => ({ type: 'put', object })),
            [],
          );
          sink.onSynced();
        },
        stop: async () => {},
      },
      dataplane: first.dataplane,
      clock,
      resyncMs: RESYNC_MS,
      observer: {
        onReady: resolve,
        onChange: () => {},
        onProgrammed: () => {},
        onComplaints: () => {},
        onSourceTrouble: () => {},
        onFailure: (error) => {
          throw error;
        },
      },
    });
    await agent.start();
    await clock.advance(1);
    expect((await promise).writes).toEqual({ backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 });
    expect(agent.services().map(({ id }) => id)).toEqual(['shop/web/http/TCP']);
  });

  test('what the cluster has lost since is removed, but only once everything is known', async () => {
    const first = await stage();
    first.put(...WEB, service({ name: 'old', clusterIPs: ['10.96.0.9'] }));
    first.sink.onSynced();
    await first.clock.advance(1);
    expect(first.dataplane.dump()).toContain('10.96.0.9:80/TCP');
    first.sink.onChange([{ type: 'delete', ref: { kind: 'Service', namespace: 'shop', name: 'old' } }], []);
    await first.clock.advance(20);
    expect(first.dataplane.dump()).not.toContain('10.96.0.9');
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
      writes: { backends: 1, slots: 1, frontends: 1, removed: 2 },
    });
  });

  test('larger than the tables makes them grow', async () => {
    const { agent, clock, dataplane, sink, put } = await stage({ frontends: 1, slots: 2, backends: 2, services: 1 });
    put(...WEB);
    for (let index = 2; index < 30; index++) {
      put(
        service({ name: `s${index}`, clusterIPs: [`10.96.0.${index}`] }),
        slice([endpoint(`10.244.2.${index}`)], { name: `s${index}-1`, service: `s${index}` }),
      );
    }
    sink.onSynced();
    await clock.advance(50);
    expect(dataplane.dump().trim().split('\n')).toHaveLength(29);
    expect(agent.status().used.services).toBe(29);
  });

  test('tells how long ago Kubernetes saw its reason', async () => {
    const { clock, sink, put, programmedMs } = await stage();
    put(...WEB);
    sink.onSynced();
    await clock.advance(100);
    put(slice([endpoint('10.244.1.7')], { triggeredAtMs: clock.wallMs() - 250 }));
    await clock.advance(1);
    expect(programmedMs).toEqual([250]);
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
    );
    await clock.advance(1);
    expect(dataplane.dump()).toContain('10.244.3.3:8080');
    expect(told.changes.at(-1)?.writes.frontends).toBe(1);
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
