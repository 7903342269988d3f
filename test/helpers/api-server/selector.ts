import type { RawObject } from './resources.ts';

export type Selector = (object: RawObject) => boolean;

/** Of the forms that Shunt asks for; anything else would be an answer to another question. Throws a text. */
export const selectorOf = (labels: string | null, fields: string | null): Selector => {
  const terms = [...termsOf(labels).map(labelTerm), ...termsOf(fields).map(fieldTerm)];
  return (object) => terms.every((term) => term(object));
};

const termsOf = (text: string | null): readonly string[] => (text === null || text === '' ? [] : text.split(','));

const labelTerm = (term: string): Selector => {
  const [, negated = '', key = '', operator, value] = /^(!?)([\w./-]+)(?:(==?|!=)([\w.-]*))?$/.exec(term) ?? [];
  if (key === '' || (negated !== '' && operator !== undefined)) throw new Error(`unable to parse requirement: ${term}`);
  const labelOf = ({ metadata }: RawObject): string | undefined => metadata.labels?.[key];
  if (negated !== '') return (object) => labelOf(object) === undefined;
  if (operator === undefined) return (object) => labelOf(object) !== undefined;
  return operator === '!=' ? (object) => labelOf(object) !== value : (object) => labelOf(object) === value;
};

const fieldTerm = (term: string): Selector => {
  const [, path = '', value] = /^(metadata\.name|metadata\.namespace|spec\.nodeName)==?(.*)$/.exec(term) ?? [];
  if (path === '') throw new Error(`field label not supported: ${term}`);
  return (object) => fieldAt(object, path.split('.')) === value;
};

const fieldAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((at: unknown, name) => (at as Record<string, unknown> | undefined)?.[name], value);
