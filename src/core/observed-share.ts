import type { Algorithm } from './model/objects.ts';

export interface CountedShare {
  /** `namespace/service/port-name/PROTOCOL` */
  readonly id: string;
  /** Absent where it is refused. */
  readonly algorithm?: Algorithm;
  /** What the weights ask for, 0..1. */
  readonly share: number;
  readonly observed?: { readonly share: number; readonly of: number };
  readonly affinity?: true;
}

/**
 * Whether chance does not explain the difference: beyond four standard deviations of the binomial distribution, which is
 * once in 16,000. Only where each connection is drawn for itself by weight: not of algorithms that look at load or at the
 * client, nor where clients keep to what they were given, as the datagrams of a socket do.
 */
export const isOutOfShare = ({ id, algorithm, share, observed, affinity }: CountedShare): boolean => {
  if (observed === undefined || observed.of < COUNT_MIN || affinity || id.endsWith('/UDP')) return false;
  if (algorithm !== undefined && !BY_WEIGHT.has(algorithm)) return false;
  const { of } = observed;
  const difference = Math.abs(observed.share - share) * of;
  return difference > DEVIATIONS * Math.sqrt(of * share * (1 - share)) + SKEW;
};

const BY_WEIGHT: ReadonlySet<Algorithm> = new Set<Algorithm>(['WeightedRandom', 'RoundRobin']);
const COUNT_MIN = 100;
const DEVIATIONS = 4;
/** Where few are expected the distribution leans: some connections more are likelier than the deviations say. */
const SKEW = 4;
