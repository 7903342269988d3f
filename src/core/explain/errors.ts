import { parentsOf } from '../cluster/routes.ts';
import { type Cluster, keyOf } from '../cluster.ts';
import type { Complaint, TrafficPolicyObject } from '../model/objects.ts';
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
  const services = servicesOf(decision);
  return complaints.filter(
    ({ severity, object }) => severity === 'error' && concerns(cluster, services, object.split(' ')),
  );
};

/** Nobody's address, as far as the objects are known. */
export const isUnowned = ({ reason }: LeftAloneReason): boolean =>
  reason === 'no such address' || reason === 'endpoint address' || reason === 'pod address';

/** By `namespace/name`: the one that has the address, and those that its route leads to. Empty when none has it. */
const servicesOf = (decision: Decision): readonly string[] => {
  if (decision.outcome === 'left alone') return 'service' in decision.why ? [decision.why.service] : [];
  const arms = 'arms' in decision ? (decision.arms ?? []) : [];
  return [decision.service, ...arms.map(({ service }) => service)];
};

/** `EndpointSlice shop/cart-1` in two words; anything else names a file. */
const concerns = (cluster: Cluster, services: readonly string[], [kind, key = '']: readonly string[]): boolean => {
  switch (kind) {
    case 'Service':
      return services.length === 0 ? !cluster.services.has(key) : services.includes(key);
    case 'EndpointSlice': {
      const known = cluster.slices.byKey.get(key);
      return known === undefined
        ? mayBeOf(services, key)
        : services.includes(keyOf({ namespace: known.namespace, name: known.service }));
    }
    case 'TrafficPolicy':
      return concernsPolicy(cluster.policies.byKey.get(key), services, key);
    case 'DestinationRule':
      return concernsPolicy(cluster.destinationRules.byKey.get(key), services, key);
    case 'GRPCRoute':
    case 'HTTPRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'UDPRoute': {
      const known = cluster.routes.byKey.get(`${kind} ${key}`);
      return services.length > 0 && (known === undefined || parentsOf(known).some((each) => services.includes(each)));
    }
    default:
      return true;
  }
};

/** One that narrows routes may be about any of them. */
const concernsPolicy = (known: TrafficPolicyObject | undefined, services: readonly string[], key: string): boolean => {
  if (known === undefined || known.routes.length > 0) return mayBeOf(services, key);
  return known.services.some((name) => services.includes(keyOf({ namespace: known.namespace, name })));
};

/** Slices and policies are about Services of their own namespace. */
const mayBeOf = (services: readonly string[], key: string): boolean =>
  services.some((service) => service.split('/')[0] === key.split('/')[0]);
