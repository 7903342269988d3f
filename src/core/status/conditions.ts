import { isOthers } from '../desire/programmed.ts';
import type { Complaint, ServiceObject } from '../model/objects.ts';
import type { WantedCondition } from './wanted.ts';

export const condition = (
  type: WantedCondition['type'],
  isTrue: boolean,
  reason: WantedCondition['reason'],
  message: string,
  observedGeneration: number,
): WantedCondition => ({ type, status: isTrue ? 'True' : 'False', reason, message, observedGeneration });

/** What is wrong with an object, in one line: its author reads all of it where the agent's complaints are. */
export const errorText = (complaints: readonly Complaint[]): string => {
  const errors = complaints.filter(({ severity }) => severity === 'error');
  const shown = errors
    .slice(0, ERRORS_SHOWN)
    .map(({ path, message }) => (path === '' ? message : `${path} ${message}`));
  const more = errors.length > ERRORS_SHOWN ? [`and ${errors.length - ERRORS_SHOWN} more`] : [];
  return [...shown, ...more].join('; ');
};

/** Whose status it is to say something about this Service; nobody's if there is none, so we do. */
export const isOurs = (service: ServiceObject | undefined, proxyName: string): boolean =>
  service === undefined || !isOthers(service, proxyName);

const ERRORS_SHOWN = 3;
