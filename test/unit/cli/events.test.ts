import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventFilter, EventLine, EventView, SamplingView } from '../../../src/agent/event-view.ts';
import type { AgentView } from '../../../src/agent/view.ts';
import { eventLine } from '../../../src/cli/event-line.ts';
import type { Parts, RunParts } from '../../../src/cli/parts.ts';
import { plain } from '../../../src/cli/style.ts';
import { buildAdmin } from '../../../src/http/admin.ts';
import { type Listener, listenUnix } from '../../../src/http/listen.ts';
import { fakeView } from '../http/fake-view.ts';
import { type Ran, shunt } from './harness.ts';

const AT_MS = new Date(2026, 0, 2, 3, 4, 5, 67).getTime();

const SENT: EventView = {
  atMs: AT_MS,
  outcome: 'established',
  protocol: 'TCP',
  from: { cgroup: '4711', namespace: 'shop', pod: 'web-1' },
  service: 'shop/cart',
  id: 'shop/cart/http/TCP',
  address: '10.96.0.5',
  port: 80,
  endpoint: { address: '10.244.0.3', port: 8080 },
};

const CLOSED: EventView = {
  ...SENT,
  outcome: 'closed',
  connectMs: 0.0421,
  durationMs: 1234,
  bytesSent: 5,
  bytesReceived: 2048,
};

const REJECTED: EventView = {
  atMs: AT_MS,
  outcome: 'rejected_no_endpoint',
  protocol: 'UDP',
  from: { cgroup: '4712' },
  address: 'fd00::5',
  port: 53,
};

describe('an event in a line', () => {
  test.each<{ what: string; event: EventView; line: string }>([
    {
      what: 'has all that is known of a connection',
      event: CLOSED,
      line: '03:04:05.067 closed               TCP shop/web-1 -> shop/cart 10.96.0.5:80 -> 10.244.0.3:8080 connect 42 us lasted 1234 ms sent 5 B received 2.0 KiB\n',
    },
    {
      what: 'has a cgroup and an address where there are no names',
      event: REJECTED,
      line: '03:04:05.067 rejected no endpoint UDP cgroup 4712 -> [fd00::5]:53\n',
    },
    {
      what: 'says how long an answer was waited for that never came',
      event: { ...SENT, outcome: 'timed_out', from: {}, connectMs: 127_000 },
      line: '03:04:05.067 timed out            TCP unknown -> shop/cart 10.96.0.5:80 -> 10.244.0.3:8080 waited 127.0 s\n',
    },
  ])('$what', ({ event, line }) => {
    expect(eventLine(event, plain)).toBe(line);
  });
});

const sampling = (changes: Partial<SamplingView> = {}): SamplingView => ({
  sampling: 1,
  offered: 0,
  sampledOut: 0,
  dropped: 0,
  skipped: 0,
  ...changes,
});

let directory: string;
let listener: Listener | undefined;
let filters: EventFilter[];
let closed: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-events-'));
  filters = [];
  closed = 0;
});

afterEach(async () => {
  await listener?.close();
  rmSync(directory, { recursive: true });
});

/** An agent that tells these, and then either goes away or waits until the verb is stopped. */
const follow = async (
  argv: readonly string[],
  batches: readonly (readonly EventLine[])[],
  { goesAway = false, columns = undefined as number | undefined } = {},
): Promise<Ran> => {
  const socket = join(directory, 'admin.sock');
  const told = Promise.withResolvers<string>();
  const left = Promise.withResolvers<void>();
  const events: AgentView['events'] = (filter) => {
    filters.push(filter);
    return {
      async *[Symbol.asyncIterator]() {
        yield* batches;
        if (goesAway) return;
        setTimeout(() => told.resolve('SIGINT'), 100);
        await left.promise;
      },
      close: () => {
        closed += 1;
        left.resolve();
      },
    };
  };
  listener = await listenUnix(socket, buildAdmin({ view: () => fakeView({ events }), onBug: () => {} }));
  const run = { stopRequested: () => told.promise } as Partial<RunParts> as RunParts;
  return shunt(['events', ...argv], {
    env: { SHUNT_SOCKET: socket },
    parts: { run } as Partial<Parts>,
    ...(columns === undefined ? {} : { columns }),
  });
};

describe('shunt events', () => {
  test('prints a line for each event until it is stopped, and then how many there were', async () => {
    const ran = await follow([], [[sampling()], [CLOSED, REJECTED]]);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe(eventLine(CLOSED, plain) + eventLine(REJECTED, plain));
    expect(ran.stderr).toBe('2 shown\n');
    await expect.poll(() => closed).toBe(1);
  });

  test('says beside them what is not shown, when that changes and at the end', async () => {
    const ran = await follow(
      [],
      [
        [sampling(), CLOSED],
        [sampling({ sampling: 64, offered: 9000, sampledOut: 8000, dropped: 12 })],
        [sampling({ sampling: 1, offered: 9000, sampledOut: 8000, dropped: 12, skipped: 3 })],
        [sampling({ sampling: 1, offered: 9001, sampledOut: 8000, dropped: 12, skipped: 3 })],
      ],
    );
    const skipped = '3 came faster than they were read here';
    expect(ran.stderr.split('\n')).toEqual([
      'one event in 64 is shown, 8,000 were not drawn, 12 found no room',
      `every event is shown again; 8,000 were not drawn, 12 found no room, ${skipped}`,
      `1 shown; of all on this node 8,000 were not drawn, 12 found no room, ${skipped}`,
      '',
    ]);
  });

  test('prints what the agent tells, one JSON object a line, with -o json', async () => {
    const ran = await follow(['-o', 'json'], [[sampling({ sampling: 2 }), CLOSED]]);
    expect(
      ran.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([sampling({ sampling: 2 }), CLOSED]);
    expect(ran.stderr).toBe('');
  });

  test('has colours on a terminal', async () => {
    const ran = await follow([], [[REJECTED]], { columns: 80 });
    expect(ran.stdout).toContain('\u001b[31mrejected no endpoint');
  });

  test('asks for what is wanted', async () => {
    await follow(['shop/cart', '--outcome', 'reset,refused', '--from', 'shop/web-1'], [[]]);
    expect(filters).toEqual([{ only: 'shop/cart', outcomes: new Set(['reset', 'refused']), from: 'shop/web-1' }]);
  });

  test('says that the agent went away', async () => {
    const ran = await follow([], [[CLOSED]], { goesAway: true });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe(eventLine(CLOSED, plain));
    expect(ran.stderr).toContain('SHUNT_E_NO_AGENT');
  });

  test.each([
    { argv: ['--outcome', 'lost'], says: '`lost` is none of established, closed' },
    { argv: ['--from', 'a/b/c'], says: '`a/b/c` is not NAMESPACE[/POD]' },
    { argv: ['-o', 'table'], says: '`table` is neither text nor json' },
  ])('refuses $argv', async ({ argv, says }) => {
    const ran = await follow(argv, []);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(says);
  });

  test('says that there is no such Service', async () => {
    const ran = await follow(['shop/card'], []);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('shop/cart');
  });
});
