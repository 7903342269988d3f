import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { openPlaces, type Place, type Places } from '../helpers/places.ts';
import { createRandom, type Random } from '../helpers/random.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** How often the agent is killed. The full bar is 200. */
const KILL_ROUNDS = Number(process.env.KILL_ROUNDS ?? 25);
const ENDPOINTS_MIN = 2;
const ENDPOINTS_MAX = 5;
const TERMINATION_MS = 400;
/** Services beside those that are asked: they make each update long enough to be met in its middle. */
const NEIGHBOURS = 60;
const NEIGHBOUR_ENDPOINTS = 10;

interface Subject {
  readonly name: string;
  readonly address: string;
  endpoints: readonly Place[];
}

const SUBJECTS: readonly Subject[] = [
  { name: 'one', address: '10.96.0.1', endpoints: [] },
  { name: 'two', address: '10.96.0.2', endpoints: [] },
];

let node: EmbeddedNode;
let client: SocketShell;
let places: Places;
let objects: ObjectDirectory;

beforeAll(async () => {
  node = await createNode({ name: 'kill' });
  places = await openPlaces(node, 2, 8);
  client = await openShell(await node.addPod('client'));
  objects = new ObjectDirectory();
});

afterAll(async () => {
  await node?.close();
  objects?.[Symbol.dispose]();
});

test(`an agent that is killed ${KILL_ROUNDS} times, at any moment of an update, fails no connection and finds its way back`, {
  timeout: 60_000 + KILL_ROUNDS * 5000,
}, async ({ annotate }) => {
  const random = createRandom();
  for (const subject of SUBJECTS) subject.endpoints = [await open(subject), await open(subject)];
  write(random);
  let agent = await start().ready();
  const load = SUBJECTS.map(({ name, address }) => ({
    name,
    hammer: client.startHammer('tcp', address, 80, { threads: 2, reset: true, pauseMicros: 200 }),
  }));

  // Under load, as all that follow.
  const updateMs = await measureUpdate(agent, random);
  const ends = { starting: 0, before: 0, within: 0, after: 0 };
  const gone: Place[] = [];
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const [before, changed] = [heldLines(node.bpfRoot), await change(random)];
    gone.push(...changed);
    await sleep(random.integer(2 * updateMs));
    const wasReady = agent.log.some(({ msg }) => msg.startsWith('ready:'));
    await agent.kill();
    ends[wasReady ? sortOut(heldLines(node.bpfRoot), before, await wanted()) : 'starting'] += 1;

    agent = start();
    // Every third one is killed before it has put in order what the one before it left.
    if (random.integer(3) === 0) continue;
    await agent.ready();
    expect(heldLines(node.bpfRoot)).toEqual(await wanted());
    await takeOver(gone.splice(0));
  }
  await agent.ready();
  expect(heldLines(node.bpfRoot)).toEqual(await wanted());

  const totals: Record<string, number> = {};
  for (const { name, hammer } of load) {
    const { by, errors, total } = await hammer.stop();
    expect({ by, errors }).toEqual({ by: { [name]: total }, errors: {} });
    totals[name] = total;
  }
  const attempts = (await agent.services())
    .filter(({ service: name }) => name in totals)
    .map(({ service: name, stats }) => [name, stats.attempts]);
  await annotate(`killed ${JSON.stringify(ends)}; connections ${JSON.stringify(totals)}`);
  expect(Object.fromEntries(attempts)).toEqual(totals);
  expect(await agent.stop()).toBe(0);
  // Kills that all came too early or all too late would have shown nothing.
  if (KILL_ROUNDS >= 20) expect(Math.min(ends.before, ends.after)).toBeGreaterThan(0);
});

const start = (): AgentProcess => startAgentProcess(node, { source: objects.path });

const wanted = async (): Promise<readonly string[]> => wantedLines(await objects.read());

/** From the file to the kernel. */
const measureUpdate = async (agent: AgentProcess, random: Random): Promise<number> => {
  const from = agent.log.length;
  const startedMs = performance.now();
  write(random);
  await agent.logged('applied', from);
  return performance.now() - startedMs;
};

/** How far the update came: neither the state before it nor the one after it is one that was cut in its middle. */
const sortOut = (
  held: readonly string[],
  before: readonly string[],
  after: readonly string[],
): 'before' | 'within' | 'after' => {
  const text = held.join('\n');
  if (text === after.join('\n')) return 'after';
  return text === before.join('\n') ? 'before' : 'within';
};

/** Changes all Services at once; returns the places of endpoints that are gone, which serve on until they really are. */
const change = async (random: Random): Promise<readonly Place[]> => {
  const gone: Place[] = [];
  for (const subject of SUBJECTS) {
    if (subject.endpoints.length > ENDPOINTS_MIN) {
      const place = random.pick(subject.endpoints);
      gone.push(place);
      subject.endpoints = subject.endpoints.filter((each) => each !== place);
    }
    if (subject.endpoints.length < ENDPOINTS_MAX) {
      const place = await places.open('tcp', subject.name);
      if (place !== undefined) subject.endpoints = [...subject.endpoints, place];
    }
  }
  write(random);
  return gone;
};

/** The next server there has another name, so that whoever still led there would be found out. */
const takeOver = async (gone: readonly Place[]): Promise<void> => {
  await sleep(TERMINATION_MS);
  for (const place of gone) await places.close(place);
};

const open = async ({ name }: Subject): Promise<Place> => {
  const place = await places.open('tcp', name);
  if (place === undefined) throw new Error('there are not enough places');
  return place;
};

const write = (random: Random): void =>
  objects.write('all', ...SUBJECTS.flatMap((subject) => subjectObjects(subject, random)), ...neighbours(random));

const subjectObjects = ({ name, address, endpoints }: Subject, random: Random): readonly ClusterObject[] => [
  service({ name, clusterIPs: [address] }),
  ...endpoints.map((place) =>
    slice([endpoint(place.address, { pod: podOf(place) })], {
      name: `${name}-${podOf(place)}`,
      service: name,
      ports: [{ name: 'http', protocol: 'TCP', port: place.port }],
    }),
  ),
  policy(
    endpoints.map((place) => ({ pod: podOf(place), weight: 1 + random.integer(1000) })),
    { name, services: [name] },
  ),
];

const podOf = ({ pod, port }: Place): string => `${pod}-${port}`;

const neighbours = (random: Random): readonly ClusterObject[] =>
  Array.from({ length: NEIGHBOURS }, (_, index) => index).flatMap((index) => {
    const name = `neighbour-${index}`;
    const addresses = Array.from({ length: NEIGHBOUR_ENDPOINTS }, (_, last) => `10.250.${index}.${last + 1}`);
    return [
      service({ name, clusterIPs: [`10.96.1.${index + 1}`] }),
      slice(
        addresses.filter(() => random.chance(0.8)).map((address) => endpoint(address)),
        { name, service: name },
      ),
    ];
  });
