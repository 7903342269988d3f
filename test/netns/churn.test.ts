import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { openPlaces, type Place, type Places } from '../helpers/places.ts';
import { createRandom } from '../helpers/random.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { type HammerKind, type HammerOptions, openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** How long the endpoints change under load. The full bar is 60. */
const SOAK_SECONDS = Number(process.env.SOAK_SECONDS ?? 10);
/** Fewer than these are never asked for, and more do not fit in the places that there are. */
const ENDPOINTS_MIN = 2;
const ENDPOINTS_MAX = 5;
/** As long as a removed endpoint goes on serving, like a pod that terminates: for clients that chose it just before. */
const TERMINATION_MS = 400;

/** A Service under change. Its servers answer with its name. */
interface Subject {
  readonly name: string;
  readonly kind: 'tcp' | 'udp';
  readonly address: string;
  readonly clients: readonly { readonly kind: HammerKind; readonly options: HammerOptions }[];
  endpoints: readonly Place[];
  weights: readonly number[];
}

const FRESH = { kind: 'tcp', options: { threads: 2, reset: true, pauseMicros: 100 } } as const;
const SUBJECTS: readonly Subject[] = [
  { name: 'one', kind: 'tcp', address: '10.96.0.1', clients: [FRESH], endpoints: [], weights: [] },
  { name: 'two', kind: 'tcp', address: '10.96.0.2', clients: [FRESH], endpoints: [], weights: [] },
  {
    name: 'three',
    kind: 'udp',
    address: '10.96.0.3',
    clients: [
      { kind: 'udp', options: { pauseMicros: 500 } },
      { kind: 'udp-unconnected', options: { pauseMicros: 500 } },
      { kind: 'udp-unconnected', options: { pauseMicros: 500, keep: true } },
    ],
    endpoints: [],
    weights: [],
  },
];

let node: EmbeddedNode;
let client: SocketShell;
let places: Places;
let agent: RunningAgent;

beforeAll(async () => {
  node = await createNode({ name: 'churn' });
  places = await openPlaces(node, 2, 10);
  client = await openShell(await node.addPod('client'));
  for (const subject of SUBJECTS) {
    subject.endpoints = [await open(subject), await open(subject)];
    subject.weights = [1, 1];
  }
  agent = await startAgent(node, { objects: allObjects() });
});

afterAll(async () => {
  await agent?.stop();
  await node?.close();
});

test(`${SOAK_SECONDS} s of endpoints and weights that change without end fail no connection and misroute none`, {
  timeout: (SOAK_SECONDS + 60) * 1000,
}, async ({ annotate }) => {
  const load = SUBJECTS.flatMap(({ name, address, clients }) =>
    clients.map(({ kind, options }) => ({ name, kind, hammer: client.startHammer(kind, address, 80, options) })),
  );
  const { changes, takeovers } = await churn(performance.now() + SOAK_SECONDS * 1000);

  const totals: Record<string, number> = {};
  for (const { name, kind, hammer } of load) {
    const { by, errors, total } = await hammer.stop();
    // A connected UDP socket that waits for an endpoint which has gone is told so, and asks again.
    const { [ABORTED]: aborted = 0, ...failures } = errors;
    if (kind !== 'udp') expect(aborted).toBe(0);
    expect({ kind, by, failures }).toEqual({ kind, by: { [name]: total - aborted }, failures: {} });
    totals[`${name} ${kind}`] = total + (totals[`${name} ${kind}`] ?? 0);
  }
  await annotate(`${changes} changes, ${takeovers} places taken over, attempts ${JSON.stringify(totals)}`);
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(allObjects()));
  expect(counted()).toEqual(totals);
  // Without these the test would have shown nothing.
  expect(changes).toBeGreaterThan(10 * SOAK_SECONDS);
  expect(takeovers).toBeGreaterThan(SOAK_SECONDS);
});

const ABORTED = 'read ECONNABORTED';

/** Changes one Service after the other, as fast as they come into force. */
const churn = async (untilMs: number): Promise<{ changes: number; takeovers: number }> => {
  const random = createRandom();
  const closing = new Set<Promise<void>>();
  const owners = new Map<Place, string>();
  let [changes, takeovers] = [0, 0];
  for (; performance.now() < untilMs; changes += 1) {
    const subject = random.pick(SUBJECTS);
    const gone: Place[] = [];
    if (subject.endpoints.length > ENDPOINTS_MIN && random.chance(0.5)) {
      const place = random.pick(subject.endpoints);
      gone.push(place);
      subject.endpoints = subject.endpoints.filter((each) => each !== place);
    }
    if (subject.endpoints.length < ENDPOINTS_MAX && random.chance(0.5)) {
      const place = await places.open(subject.kind, subject.name);
      if (place !== undefined) {
        if ((owners.get(place) ?? subject.name) !== subject.name) takeovers += 1;
        owners.set(place, subject.name);
        subject.endpoints = [...subject.endpoints, place];
      }
    }
    subject.weights = subject.endpoints.map(() => 1 + random.integer(random.pick([1, 10, 1000])));
    await agent.put(...objectsOf(subject, gone));
    for (const place of gone) {
      const closed = sleep(TERMINATION_MS).then(() => places.close(place));
      closing.add(closed.finally(() => closing.delete(closed)));
    }
  }
  await Promise.all(closing);
  return { changes, takeovers };
};

const open = async ({ kind, name }: Subject): Promise<Place> => {
  const place = await places.open(kind, name);
  if (place === undefined) throw new Error('there are not enough places');
  return place;
};

const allObjects = (): readonly ClusterObject[] => SUBJECTS.flatMap((subject) => objectsOf(subject));

/** A slice for each place, because their ports differ. One that is gone has an empty slice, and its next owner another. */
const objectsOf = (subject: Subject, gone: readonly Place[] = []): readonly ClusterObject[] => {
  const { name, kind, address, endpoints, weights } = subject;
  const port = { name: 'http', protocol: kind === 'tcp' ? 'TCP' : 'UDP' } as const;
  const pod = (place: Place): string => `${name}-${place.pod}-${place.port}`;
  const sliceOf = (place: Place, isThere: boolean): ClusterObject =>
    slice(isThere ? [endpoint(place.address, { pod: pod(place) })] : [], {
      name: pod(place),
      service: name,
      ports: [{ ...port, port: place.port }],
    });
  return [
    service({ name, clusterIPs: [address], ports: [{ ...port, port: 80 }] }),
    ...endpoints.map((place) => sliceOf(place, true)),
    ...gone.map((place) => sliceOf(place, false)),
    policy(
      endpoints.map((place, index) => ({ pod: pod(place), weight: weights[index] as number })),
      { name, services: [name] },
    ),
  ];
};

/** What the Services counted themselves, by the kinds of clients. */
const counted = (): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { service: name, protocol, stats } of agent.agent.services()) {
    counts[`${name} ${protocol === 'TCP' ? 'tcp' : 'udp'}`] = stats.attempts;
    if (protocol === 'UDP') counts[`${name} udp-unconnected`] = stats.datagrams;
  }
  return counts;
};
