import type { Fields } from '../calls.ts';

/** What a `coordination.k8s.io/v1` Lease says of who leads; the fields and their use are those of client-go's election. */
export interface Lease {
  /** Empty: nobody, it was given back. */
  readonly holder: string;
  readonly durationMs: number;
  /** Changes with each renewal. What clock it was taken from is nobody's business. */
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
}

/** `durationMaxMs`: whoever wrote a longer one meant something else, and it must not keep everybody from leading. */
export const readLease = (object: Fields, durationMaxMs: number): Lease => {
  const spec = (typeof object.spec === 'object' && object.spec !== null ? object.spec : {}) as Fields;
  const seconds = spec.leaseDurationSeconds;
  return {
    holder: textOf(spec.holderIdentity),
    durationMs: typeof seconds === 'number' && seconds >= 1 ? Math.min(seconds * 1000, durationMaxMs) : 0,
    renewTime: textOf(spec.renewTime),
    acquireTime: textOf(spec.acquireTime),
    transitions: typeof spec.leaseTransitions === 'number' ? spec.leaseTransitions : 0,
  };
};

/** The object with this in it, and everything else as it was. */
export const writeLease = (object: Fields, { holder, durationMs, ...lease }: Lease): Fields => ({
  ...object,
  spec: {
    ...(object.spec as Fields | undefined),
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1000)),
    acquireTime: lease.acquireTime,
    renewTime: lease.renewTime,
    leaseTransitions: lease.transitions,
  },
});

/** `metav1.MicroTime`. */
export const microTime = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z');

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
