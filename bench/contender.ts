import type { GeneratedService } from './generate.ts';
import type { BenchNode } from './node.ts';

/** A way from a client to the endpoints of Services, to be measured beside the others. */
export interface Contender {
  readonly name: string;
  /** One line for the report: what it is and in which version. */
  describe(): Promise<string>;
  /** `pods`: client and server in namespaces of their own. `loopback`: both in the server's. */
  readonly paths: readonly Path[];
  /**
   * Whether it changes its node (rules, connection tracking), so that it needs one of its own. The others share one:
   * what they do to a connection is bound to the cgroup of their client.
   */
  readonly ownNode: boolean;
  setUp(place: Place): Promise<Prepared>;
}

export type Path = 'pods' | 'loopback';

export interface Place {
  readonly node: BenchNode;
  /** Its client will run in this cgroup, which has no other process. */
  readonly cgroup: string;
  readonly services: readonly GeneratedService[];
}

export interface Prepared extends AsyncDisposable {
  /** Time to bring the Services into the kernel; undefined when there is nothing to bring. */
  readonly programmedMs?: number;
  /** What the client connects to, in turn, for this Service. */
  addressesOf(service: GeneratedService): readonly string[];
}
