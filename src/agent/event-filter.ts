import { EVENT_OUTCOMES, type EventOutcome } from '../dataplane/dataplane.ts';
import type { EventFilter } from './event-view.ts';

/** Which part cannot be read, and what stands there. */
export interface UnreadFilter {
  readonly problem: 'outcome' | 'from';
  readonly value: string;
}

/** `texts` have outcomes with commas between them; `from` is `NAMESPACE[/POD]`. */
export const parseEventFilter = (
  texts: readonly string[],
  from: string | undefined,
): Pick<EventFilter, 'outcomes' | 'from'> | UnreadFilter => {
  const outcomes = texts.flatMap((text) => text.split(','));
  const unknown = outcomes.find((outcome) => !isEventOutcome(outcome));
  if (unknown !== undefined) return { problem: 'outcome', value: unknown };
  if (from !== undefined && !/^[^/]+(\/[^/]+)?$/.test(from)) return { problem: 'from', value: from };
  return { outcomes: new Set(outcomes.filter(isEventOutcome)), from };
};

const isEventOutcome = (text: string): text is EventOutcome => (EVENT_OUTCOMES as readonly string[]).includes(text);
