import type { Complaint } from '../core/model/objects.ts';
import type { AgentStatus } from './view.ts';

/** Those of `now` that `before` does not have: each is told once, however often its object is looked at. */
export const newComplaints = (before: readonly Complaint[], now: readonly Complaint[]): readonly Complaint[] => {
  if (before === now || now.length === 0) return [];
  const known = new Set(before.map(keyOf));
  return now.filter((complaint) => !known.has(keyOf(complaint)));
};

const keyOf = ({ severity, object, path, message }: Complaint): string => `${severity} ${object} ${path} ${message}`;

export const countedBySeverity = (complaints: readonly Complaint[]): AgentStatus['complaints'] => {
  const counts = { errors: 0, warnings: 0, notes: 0 };
  for (const { severity } of complaints) counts[`${severity}s`]++;
  return counts;
};
