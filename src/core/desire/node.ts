import type { Cluster } from '../cluster.ts';
import type { NodeIdentity } from './desire.ts';

/** What is known of the node that connections start on. */
export interface LocalNode extends NodeIdentity {
  /** Empty when unknown. */
  readonly zone: string;
  /** Its own: where it is asked for node ports. */
  readonly addresses: readonly string[];
}

/** The identity with what the cluster's Node object of that name says. */
export const localNodeOf = ({ nodes }: Pick<Cluster, 'nodes'>, identity: NodeIdentity): LocalNode => {
  const { zone = '', addresses = NONE } = nodes.get(identity.name) ?? {};
  return { ...identity, zone, addresses };
};

const NONE: readonly string[] = [];
