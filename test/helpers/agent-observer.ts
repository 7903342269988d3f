import type { AgentObserver } from '../../src/agent/agent.ts';

/** Whatever fails goes to `fail`, and nobody hears of anything else, but for what `more` says. */
export const agentObserver = (fail: (error: unknown) => void, more: Partial<AgentObserver>): AgentObserver => ({
  onSynced: () => {},
  onReady: () => {},
  onChange: () => {},
  onProgrammed: () => {},
  onComplaints: () => {},
  onSourceTrouble: () => {},
  onFailure: fail,
  onSocketsKept: () => {},
  onSocketsEnded: () => {},
  onLostEnded: () => {},
  onLostFailure: fail,
  onLiveFailure: fail,
  onWorkloadsFailure: fail,
  onSocketsFailure: fail,
  ...more,
});
