import { spawn } from 'node:child_process';
import { run } from '../command.ts';
import { Conversation } from '../conversation.ts';
import { CONNECT4 } from '../programs.ts';
import { round } from './compare.ts';
import { addRedirectedPair, tendAlways } from './pods.ts';
import type { SameNodeProgram, SameNodeSettings } from './results.ts';
import { untilRedirected } from './speed.ts';
import { startStream } from './stream.ts';

/** Mean time of a run of each program, by BPF statistics, which take some of it themselves. */
export const measurePrograms = async ({ requests }: SameNodeSettings): Promise<readonly SameNodeProgram[]> => {
  await using cleanup = new AsyncDisposableStack();
  const pair = await addRedirectedPair('programs', cleanup);
  await pair.set('redirect');
  cleanup.use(tendAlways(pair.sameNode));
  const plan = { port: 9400, cpus: { client: 1, server: 1 } };
  const looping = await startStream(pair, plan, cleanup);
  const blocking = await startStream(pair, { ...plan, port: 9401, blocks: { client: true, server: true } }, cleanup);
  // Statistics are kept as long as it runs.
  cleanup.use(new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] })));
  await looping.connect();
  await untilRedirected(pair, looping);
  await blocking.connect();
  await blocking.requests(1, requests);
  const read = () => readPrograms(pair.place().candidates);
  const during = async (when: string, what: () => Promise<unknown>): Promise<SameNodeProgram[]> => {
    const before = await read();
    await what();
    const after = await read();
    return after.flatMap(({ name, runs, ns }) => {
      const earlier = before.find((each) => each.name === name) ?? { runs: 0, ns: 0 };
      const ran = runs - earlier.runs;
      return ran < FEW ? [] : [{ program: name, when, runs: ran, ns: round((ns - earlier.ns) / ran) }];
    });
  };
  return [
    ...(await during('redirected requests of 1 byte', () => looping.requests(1, requests))),
    ...(await during('requests of 1 byte between sockets that block', () => blocking.requests(1, requests))),
    ...(await during('connections', async () => {
      for (let connection = 0; connection < CONNECTIONS; connection++) await looping.connect();
    })),
  ];
};

const CONNECTIONS = 300;
/** What ran less often ran for something else. */
const FEW = 100;

interface ProgramState {
  readonly name: string;
  readonly runs: number;
  readonly ns: number;
}

/** Those that use this table. */
const readPrograms = async (pinnedTable: string): Promise<ProgramState[]> => {
  const { id } = JSON.parse(await run('bpftool', ['-j', 'map', 'show', 'pinned', pinnedTable])) as {
    readonly id: number;
  };
  const programs = JSON.parse(await run('bpftool', ['-j', 'prog', 'show'])) as readonly {
    readonly name: string;
    readonly map_ids?: readonly number[];
    readonly run_time_ns?: number;
    readonly run_cnt?: number;
  }[];
  return programs
    .filter(({ map_ids = [] }) => map_ids.includes(id))
    .map(({ name, run_cnt = 0, run_time_ns = 0 }) => ({ name, runs: run_cnt, ns: run_time_ns }));
};
