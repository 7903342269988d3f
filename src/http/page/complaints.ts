import type { AgentView } from '../../agent/view.ts';
import type { Complaint } from '../../core/model/objects.ts';
import type { ComplaintView } from '../../web/wire.ts';

/** Enough to begin with; `shunt status` has all. */
const COMPLAINTS_MAX = 100;

/** The worst first. */
export function* complaintsOf(view: AgentView): Generator<ComplaintView> {
  const all = view.complaints();
  let left = COMPLAINTS_MAX;
  for (const wanted of SEVERITIES) {
    for (const { severity, object, path, message } of all) {
      if (severity !== wanted) continue;
      if (left-- <= 0) return;
      yield { severity, object, path, message };
    }
  }
}

const SEVERITIES = ['error', 'warning', 'note'] as const satisfies readonly Complaint['severity'][];
