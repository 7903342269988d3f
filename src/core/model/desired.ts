import type { Algorithm, Family, HashOn } from './objects.ts';

/** What the kernel should hold for one port of one Service. Made by `desire`, read by `plan` and `explain`. */
export interface DesiredPort {
  /** `namespace/service/port-name/PROTOCOL`: unique in the cluster and stable over restarts. */
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** 0: no session affinity. */
  readonly affinityTimeoutS: number;
  /** How endpoints of groups without arms are chosen. Absent: `WeightedRandom`. */
  readonly choice?: ChoiceRule;
  /** How long first answers take is measured. */
  readonly measured?: true;
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
  /** Distinct by address and port; those with weight 0 are already left out. Empty where there are arms. */
  readonly endpoints: readonly DesiredEndpoint[];
  /** See `Listed`. */
  readonly listed?: number;
  /** Present when connections are shared among several Services: first an arm is chosen by weight, then its endpoint. */
  readonly arms?: readonly DesiredArm[];
  /** Present when this is for one Pod's connections only: it goes before the group of everybody at the same addresses. */
  readonly client?: Client;
  /**
   * 0 or absent: the choice of everybody. Else a number of 15 bits that is the same for clients with the same choice, and
   * stays over restarts: what clients keep to by affinity is kept apart for each, as for each scope.
   */
  readonly variant?: number;
}

export interface ChoiceRule {
  readonly algorithm: Algorithm;
  readonly hashOn: HashOn;
}

/** A share of a group's connections. */
export interface DesiredArm {
  /** Distinct in the group, such as `shop/cart-v2:80`. */
  readonly id: string;
  /** 1..1,000,000; share = weight / sum of weights. */
  readonly weight: number;
  readonly choice: ChoiceRule;
  /** As in a group. Empty: this share is refused. */
  readonly endpoints: readonly DesiredEndpoint[];
  readonly listed?: number;
}

/**
 * How many endpoints the EndpointSlices list, whether or not they may answer: by that the table of `Maglev` has its size, so
 * that it is the same on every node and whoever is ready. Absent where another algorithm chooses.
 */
export type Listed = Pick<DesiredArm, 'listed'>;

/** A Pod of this node, as the kernel knows its processes: the cgroup of the Pod (not of a container). */
export interface Client {
  /** Id of the cgroup: the inode number of its directory (64 bits). */
  readonly cgroup: bigint;
  /** How deep it lies below the root of the cgroup v2 hierarchy, which is 0; 1..15. */
  readonly level: number;
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
  /** 1..100,000 (a policy's weight, a hundredfold while one of them starts slowly); share = weight / sum of weights. */
  readonly weight: number;
}
