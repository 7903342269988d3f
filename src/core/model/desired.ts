import type { Family } from './objects.ts';

/** What the kernel should hold for one port of one Service. Made by `desire`, read by `plan` and `explain`. */
export interface DesiredPort {
  /** `namespace/service/port-name/PROTOCOL`: unique in the cluster and stable over restarts. */
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** 0: no session affinity. */
  readonly affinityTimeoutS: number;
  /** Those of the cluster addresses come first. A group without endpoints refuses. */
  readonly groups: readonly DesiredGroup[];
  /** Addresses whose every other port and protocol refuses. One port of a Service tells it for all. */
  readonly closed: readonly string[];
}

/** Addresses of one family that are asked at one port number, and the endpoints that answer there. */
export interface DesiredGroup {
  readonly family: Family;
  readonly kind: AddressKind;
  /** The port's own, or its node port. */
  readonly port: number;
  readonly addresses: readonly string[];
  readonly scope: Scope;
  /** Distinct by address and port; those with weight 0 are already left out. */
  readonly endpoints: readonly DesiredEndpoint[];
}

/** Cluster addresses of the Service; external ones; those of this node, at a node port. */
export type AddressKind = 'cluster' | 'external' | 'node';

/**
 * Who may answer: `cluster` as clients of the cluster addresses are answered, `external` where other endpoints answer
 * those of external addresses. What a client keeps to by session affinity is kept apart for each.
 */
export type Scope = 'cluster' | 'external';

export interface DesiredEndpoint {
  readonly address: string;
  readonly port: number;
  /** 1..1000; share = weight / sum of weights. */
  readonly weight: number;
}
