import type { AgentStatus, SameNodeStatus, ServiceView } from '../../agent/view.ts';
import { ShuntError } from '../../errors.ts';
import { askAgent } from '../admin.ts';
import { askServices, listServices } from '../selection.ts';

/** What the agent said at one time. */
export interface Reading {
  /** Of a clock that never goes back. */
  readonly atMs: number;
  readonly node: string;
  readonly services: readonly ServiceView[];
  readonly sameNode: SameNodeStatus | undefined;
}

export type Read = (signal?: AbortSignal) => Promise<Reading>;

/**
 * Throws as `askAgent` does, and SHUNT_E_NO_SERVICE when the first reading has nothing of what was asked for: later its
 * Services may come and go. The time is that of the counters, not of the status.
 */
export const readingOf = (socket: string, selection: Readonly<Record<string, string>>): Read => {
  let isChecked = false;
  return async (signal) => {
    const { node, sameNode } = await askAgent<AgentStatus>(socket, '/v1/status', {}, signal);
    const atMs = performance.now();
    const services = await (isChecked ? listServices : askServices)(socket, selection, signal);
    isChecked = true;
    return { atMs, node, services, sameNode };
  };
};

/** Errors that pass when the agent is back, or has started. Any other is a reason to end. */
export const isAway = (error: unknown): error is ShuntError =>
  error instanceof ShuntError && (error.code === 'SHUNT_E_NO_AGENT' || error.code === 'SHUNT_E_AGENT_ANSWER');
