import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Parts } from '../../src/cli/parts.ts';
import type { PortRates } from '../../src/cli/top/rates.ts';
import { buildAdmin } from '../../src/http/admin.ts';
import { type Listener, listenUnix } from '../../src/http/listen.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { METRICS } from '../../src/observe/registry.ts';
import { allEnded } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import { scrapedText } from '../helpers/scraped.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';
import { shunt } from '../unit/cli/harness.ts';

/** What `shunt top` says of connections that are really made is what `/metrics` says, and what was done. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const NOBODY = ['10.96.0.2', 'fd00:10:96::2'] as const;

let stage: Stage<'client' | 'v1'>;
let client: SocketShell;
let directory: string;
let socket: string;
let listener: Listener;

beforeAll(async () => {
  stage = await openStage({
    name: 'top',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      ...serviceWith('web', WEB, [v1]),
      ...serviceWith('closed', ['10.96.0.3', 'fd00:10:96::3'], [v1], { port: 8099 }),
      ...serviceWith('nobody', NOBODY, []),
    ],
  });
  client = stage.actors.client.shell;
  directory = mkdtempSync(join(tmpdir(), 'shunt-top-'));
  socket = join(directory, 'admin.sock');
  listener = await listenUnix(socket, buildAdmin({ view: () => stage.agent.agent, onBug: () => {} }));
});

afterAll(async () => {
  await listener?.close();
  await stage?.[Symbol.asyncDispose]();
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

/** `shunt top -o json`, until it is stopped. */
const startTop = () => {
  const lines: Line[] = [];
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const parts = { run: { stopRequested: () => stopped } } as unknown as Partial<Parts>;
  const ran = shunt(['top', '-o', 'json', '--interval', '0.2', '--socket', socket], {
    parts,
    onWrite: (text) => lines.push(JSON.parse(text)),
  });
  const more = async (count: number): Promise<void> => {
    const enough = lines.length + count;
    await retryUntil(() => lines.length >= enough);
  };
  const end = () => {
    stop('SIGTERM');
    return ran;
  };
  return { lines, more, end };
};

const NAMES = {
  attemptsPerS: METRICS.attempted.name,
  failedPerS: METRICS.failed.name,
  rejectedPerS: METRICS.rejected.name,
  datagramsPerS: METRICS.datagrams.name,
  bytesSentPerS: METRICS.bytesSent.name,
  bytesReceivedPerS: METRICS.bytesReceived.name,
} as const;

/** Of a line of `-o json`, as far as it is asked for. */
interface Line {
  readonly intervalMs: number;
  readonly services: readonly PortRates[];
}

type Name = keyof typeof NAMES;

type Counts = Readonly<Record<string, number>>;

/** By Service port and rate; all reasons of a failure together. */
const scrape = async (): Promise<Counts> => {
  const metrics = createMetrics(stage.agent.agent);
  const text = scrapedText(await metrics.scrape());
  const counts: Record<string, number> = {};
  for (const [name, metric] of Object.entries(NAMES)) {
    const series = new RegExp(
      `^${metric}\\{namespace="shop",service="(\\w+)",port="80",protocol="(\\w+)".*\\} (\\S+)$`,
      'gm',
    );
    for (const [, service, protocol, value] of text.matchAll(series)) {
      const key = `${service}/${protocol} ${name}`;
      counts[key] = (counts[key] ?? 0) + Number(value);
    }
  }
  return counts;
};

/** What rates make of all their intervals. */
const counted = (lines: readonly Line[]): Counts => {
  const counts: Record<string, number> = {};
  for (const { intervalMs, services } of lines) {
    for (const port of services) {
      for (const name of Object.keys(NAMES) as Name[]) {
        const key = `${port.service}/${port.protocol} ${name}`;
        counts[key] = (counts[key] ?? 0) + ((port[name] ?? 0) * intervalMs) / 1000;
      }
    }
  }
  return Object.fromEntries(Object.entries(counts).map(([key, value]) => [key, Math.round(value * 1e6) / 1e6]));
};

const notZero = (counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));

test('rates over their intervals are what metrics counted, and latencies are those that were seen', async () => {
  const top = startTop();
  await top.more(1);
  const before = await scrape();
  const from = top.lines.length;
  const { slowestMicros } = await client.hammer('tcp', WEB[0], 80, { count: 500 });
  await client.hammer('tcp', WEB[1], 80, { count: 300 });
  await client.hammer('udp', WEB[0], 80, { count: 100 });
  await client.hammer('tcp', '10.96.0.3', 80, { count: 40 });
  await client.hammer('tcp', NOBODY[0], 80, { count: 30 });
  await retryUntil(() => allEnded(stage.agent));
  await top.more(2);
  const { status } = await top.end();
  expect(status).toBe(0);
  const after = await scrape();
  const difference = Object.fromEntries(Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)]));
  const seen = notZero(counted(top.lines.slice(from)));
  expect(seen).toEqual(notZero(difference));
  expect(seen).toMatchObject({
    'web/TCP attemptsPerS': 800,
    'closed/TCP attemptsPerS': 40,
    'closed/TCP failedPerS': 40,
    'nobody/TCP rejectedPerS': 30,
  });

  const latencies = top.lines.flatMap(({ services }) =>
    services
      .filter(({ service }) => service === 'web')
      .flatMap(({ connectP50Us: p50, connectP99Us: p99 }) =>
        p50 === undefined || p99 === undefined ? [] : [{ p50, p99 }],
      ),
  );
  expect(latencies.length).toBeGreaterThan(0);
  for (const { p50, p99 } of latencies) {
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
  expect(latencies[0]?.p50).toBeLessThanOrEqual(2 * slowestMicros);
});
