import type { PodObject, TrafficPolicyObject } from '../model/objects.ts';

/**
 * Who asks for connections that go socket to socket, by `namespace/name`. Nearly everywhere nobody does, and nobody need
 * look at all Pods or policies to know.
 */
export interface Wishes {
  /** Pods that are labelled `redirect`, of any node. */
  readonly pods: Set<string>;
  /** TrafficPolicies that say `Redirect` for everybody; whether they count is another matter. */
  readonly policies: Set<string>;
}

export const createWishes = (): Wishes => ({ pods: new Set(), policies: new Set() });

export const hasWishes = ({ pods, policies }: Wishes): boolean => pods.size + policies.size > 0;

/** Undefined: it is gone. */
export const wishOfPod = ({ pods }: Wishes, key: string, pod: PodObject | undefined): void =>
  setMember(pods, key, pod?.sameNode === 'redirect');

export const wishOfPolicy = ({ policies }: Wishes, key: string, policy: TrafficPolicyObject | undefined): void =>
  setMember(policies, key, policy?.sameNode === 'Redirect' && policy.clients === undefined);

const setMember = (keys: Set<string>, key: string, isMember: boolean): void => {
  if (isMember) keys.add(key);
  else keys.delete(key);
};
