import type { History } from '../../agent/history/history.ts';
import { STEP_MS } from '../../agent/history/ring.ts';
import type { HistoryView } from '../../web/wire.ts';

/** Of one Service port, or of all of the node together. */
export const historyOf = (history: History, id: string | undefined): HistoryView => {
  const series = history.series(id);
  return { step: history.step, stepMs: STEP_MS, ...(series !== undefined && { series }) };
};
