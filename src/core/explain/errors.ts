import { type Cluster, keyOf } from '../cluster.ts';
import type { Complaint } from '../model/objects.ts';
import type { Decision, LeftAloneReason } from './decision.ts';

/**
 * The errors that may be why an answer is not what the author of the objects expects: those about the Service, its
 * slices and policies, and those about what never could be read and so may be about anything: objects and whole files.
 */
export const errorsConcerning = (
  cluster: Cluster,
  decision: Decision,
  complaints: readonly Complaint[],
): readonly Complaint[] => {
  const service = serviceOf(decision);
  return complaints.filter(
    ({ severity, object }) => severity === 'error' && concerns(cluster, service, object.split(' ')),
  );
};

/** Nobody's address, as far as the objects are known. */
export const isUnowned = ({ reason }: LeftAloneReason): boolean =>
  reason === 'no such address' || reason === 'endpoint address' || reason === 'pod address';

/** `namespace/name`; undefined when no Service has the address. */
const serviceOf = (decision: Decision): string | undefined => {
  if (decision.outcome !== 'left alone') return decision.service;
  return 'service' in decision.why ? decision.why.service : undefined;
};

/** `EndpointSlice shop/cart-1` in two words; anything else names a file. */
const concerns = (cluster: Cluster, service: string | undefined, [kind, key = '']: readonly string[]): boolean => {
  switch (kind) {
    case 'Service':
      return service === undefined ? !cluster.services.has(key) : key === service;
    case 'EndpointSlice': {
      const known = cluster.slices.byKey.get(key);
      return known === undefined
        ? mayBeOf(service, key)
        : keyOf({ namespace: known.namespace, name: known.service }) === service;
    }
    case 'TrafficPolicy': {
      const known = cluster.policies.byKey.get(key);
      return known === undefined
        ? mayBeOf(service, key)
        : known.services.some((name) => keyOf({ namespace: known.namespace, name }) === service);
    }
    default:
      return true;
  }
};

/** Slices and policies are about Services of their own namespace. */
const mayBeOf = (service: string | undefined, key: string): boolean =>
  service !== undefined && service.split('/')[0] === key.split('/')[0];
