import type { LabelRequirement, LabelSelector } from '../model/objects.ts';
import { compareText } from './order.ts';

export type Labels = Readonly<Record<string, string>>;

/** Every part of the selector must match; an empty one matches every Pod. */
export const selects = ({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
  matchExpressions.every((requirement) => meets(requirement, labels));

/** Equal for selectors that say the same in another order. */
export const selectorText = ({ matchLabels, matchExpressions }: LabelSelector): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values }) => `${key} ${operator} (${[...values].sort().join(', ')})`),
  ]
    .sort(compareText)
    .join(', ');

/** `NotIn` is also true of a Pod without the label. */
const meets = ({ key, operator, values }: LabelRequirement, labels: Labels): boolean => {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
};

const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;
