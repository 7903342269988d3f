import type { ChoiceRule } from '../model/desired.ts';

const DEFAULT_CHOICE: ChoiceRule = Object.freeze({ algorithm: 'WeightedRandom', hashOn: 'Pod' });

/** As records have it: the default is left out. */
export const choiceField = (rule: ChoiceRule | undefined): { readonly choice?: ChoiceRule } =>
  rule === undefined || isSameChoice(rule, undefined) ? {} : { choice: rule };

export const isSameChoice = (one: ChoiceRule | undefined, other: ChoiceRule | undefined): boolean =>
  algorithmOf(one) === algorithmOf(other) && hashOnOf(one) === hashOnOf(other);

export const algorithmOf = (rule: ChoiceRule | undefined): ChoiceRule['algorithm'] =>
  (rule ?? DEFAULT_CHOICE).algorithm;

const hashOnOf = (rule: ChoiceRule | undefined): ChoiceRule['hashOn'] => (rule ?? DEFAULT_CHOICE).hashOn;

/** The only one that needs more in a range than weights. */
export const hasLookup = (rule: ChoiceRule | undefined): boolean => algorithmOf(rule) === 'Maglev';
