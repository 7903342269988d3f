import { expect, onTestFinished, vi } from 'vitest';
import { History } from '../../../src/agent/history/history.ts';
import { STEP_MS } from '../../../src/agent/history/ring.ts';
import type { AgentView } from '../../../src/agent/view.ts';
import { listenTcp } from '../../../src/http/listen.ts';
import { buildPage } from '../../../src/http/page.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { fakeView } from './fake-view.ts';

export const FILES = [
  { path: '/', type: 'text/html; charset=utf-8', body: Buffer.from('<!doctype html>') },
  { path: '/main.js', type: 'text/javascript; charset=utf-8', body: Buffer.from('export {};') },
];

export interface ServeOptions {
  readonly hostName?: string;
  readonly clock?: ManualClock;
  /** Whether the agent has opened its tables. */
  readonly isOpen?: boolean;
}

/** The page of an agent with a history of one step, until the test ends, which fails when there was a bug. Returns its port. */
export const servePage = async (
  agent: AgentView = fakeView(),
  { hostName = '127.0.0.1', clock = new ManualClock(), isOpen = true }: ServeOptions = {},
): Promise<number> => {
  const onBug = vi.fn();
  const view = (): AgentView | undefined => (isOpen ? agent : undefined);
  const history = new History({ view, clock, onFailure: onBug });
  history.start();
  await clock.advance(STEP_MS);
  const deps = { view, history, clock, node: 'worker-1', version: '1.2.3', files: FILES, hostName, onBug };
  const listener = await listenTcp('127.0.0.1', 0, buildPage(deps));
  onTestFinished(async () => {
    await listener.close();
    await history.stop();
    expect(onBug).not.toHaveBeenCalled();
  });
  return Number(listener.address.split(':').at(-1));
};
