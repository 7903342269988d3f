import type { AgentView } from '../agent/view.ts';
import { ShuntError } from '../errors.ts';

/** Throws SHUNT_E_STARTING until the agent has opened its tables. */
export const opened = (view: AgentView | undefined): AgentView => {
  if (view === undefined) throw new ShuntError('SHUNT_E_STARTING', { reason: 'its tables are not open yet' });
  return view;
};
