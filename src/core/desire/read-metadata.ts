import { at, type Fields, integerField, objectField, type Review, timeField } from './read-field.ts';

/** Of objects that others attach themselves to: which of two counts, and which state of it a status is about. */
export interface Metadata {
  /** Infinity when absent: nothing that is known to be there already gives way to it. */
  readonly createdAtMs: number;
  /** 0 when absent. */
  readonly generation: number;
}

export const readMetadata = (review: Review, raw: Fields): Metadata => {
  const metadata = objectField(review, raw, 'metadata') ?? {};
  return {
    createdAtMs: timeField(review, metadata, 'creationTimestamp', Number.POSITIVE_INFINITY, 'error', METADATA),
    generation: integerField(review, metadata, 'generation', GENERATION_RANGE, METADATA) ?? 0,
  };
};

const GENERATION_RANGE = { min: 0, max: Number.MAX_SAFE_INTEGER } as const;

const METADATA = at(undefined, 'metadata');
