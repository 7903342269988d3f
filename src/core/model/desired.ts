import type { Family } from './objects.ts';

/** What the kernel should hold for one port of one Service. Made by `desire`, read by `plan` and `explain`. */
export interface DesiredPort {
  /** `namespace/service/port-name/PROTOCOL`: unique in the cluster and stable over restarts. */
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** 0: no session affinity. */
  readonly affinityTimeoutS: number;
  /** At most one per family. A family without endpoints refuses. */
  readonly groups: readonly DesiredGroup[];
}

/** Service addresses of one family and the endpoints that answer them. */
export interface DesiredGroup {
  readonly family: Family;
  readonly addresses: readonly string[];
  /** Distinct by address and port; those with weight 0 are already left out. */
  readonly endpoints: readonly DesiredEndpoint[];
}

export interface DesiredEndpoint {
  readonly address: string;
  readonly port: number;
  /** 1..1000; share = weight / sum of weights. */
  readonly weight: number;
}
