import { release } from 'node:os';
import type { Claim, DemoOptions, DemoReport } from '../cli/parts.ts';
import { ShuntError } from '../errors.ts';
import type { Act } from './act.ts';
import { explain } from './acts/explain.ts';
import { ipv6 } from './acts/ipv6.ts';
import { killed } from './acts/killed.ts';
import { leave } from './acts/leave.ts';
import { peer } from './acts/peer.ts';
import { refused } from './acts/refused.ts';
import { restart } from './acts/restart.ts';
import { shares } from './acts/shares.ts';
import { shift } from './acts/shift.ts';
import { whole } from './acts/whole.ts';
import { lookAround } from './look-around.ts';
import { createScreen, silentScreen } from './screen.ts';
import { openStage, type Stage } from './stage.ts';
import { verdictText } from './words.ts';

export const ACTS: readonly Act[] = [shares, shift, leave, killed, restart, refused, ipv6, peer, explain, whole];

/** Plays the story on a node of its own, which is removed at the end, also when it fails or is interrupted. */
export const runDemo = async ({ output, env, silent, keep, ui, stopped }: DemoOptions): Promise<DemoReport> => {
  if (process.geteuid?.() !== 0) throw new ShuntError('SHUNT_E_ROOT', { verb: 'demo' });
  const startedMs = performance.now();
  const screen = silent ? silentScreen : createScreen(output, env);
  const interruption = new AbortController();
  void stopped.then((signal) => interruption.abort(new Interrupted(signal)));

  const claims: Claim[] = [];
  let agentLog: readonly string[] = [];
  let interruptedBy: string | undefined;
  /** Resolves with the time that it took, without that of looking around, when nothing of the node is left. */
  const playAll = async (): Promise<number> => {
    await using stage = await openStage(screen, interruption.signal, ui);
    stage.traffic.onReport(() => screen.live(['', ...screen.bars(stage.traffic.recent)]));
    for (const act of ACTS) claims.push(await play(act, claims.length + 1, stage));
    agentLog = stage.agent.log;
    if (!keep) stage.traffic.onReport(() => {});
    screen.live([]);
    screen.summary(claims);
    const playedMs = performance.now() - startedMs;
    if (keep) await lookAround(stage, stopped);
    return playedMs;
  };
  try {
    screen.heading(`A node in network namespaces, Linux ${release()}`);
    const playedMs = await playAll();
    screen.heading(verdictText(claims, playedMs, keep));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interruptedBy = error.signalName;
  } finally {
    screen.live([]);
  }
  const ok = claims.length === ACTS.length && claims.every(({ holds }) => holds);
  const durationMs = Math.round(performance.now() - startedMs);
  return { ok, claims, node: { kernel: release() }, durationMs, agentLog, interruptedBy };
};

/** Plays one act. An act that breaks off has shown nothing: its claim does not hold. */
export const play = async (act: Act, number: number, stage: Stage): Promise<Claim> => {
  const { screen } = stage;
  const { name, claim } = act;
  screen.heading(`${number}  ${claim}`);
  try {
    const { holds, figure, shown, summary } = await act.play(stage);
    screen.result(holds, shown);
    return { name, claim, holds, figure, summary };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    screen.result(false, [message]);
    return { name, claim, holds: false, figure: { error: message }, summary: message };
  }
};

class Interrupted extends Error {
  readonly signalName: string;

  constructor(signalName: string) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}
