import { parseAddress, specialRange } from '../model/address.ts';
import { exact } from '../model/exact.ts';
import {
  asObject,
  at,
  choiceField,
  complain,
  type Fields,
  listField,
  objectField,
  type Path,
  type Review,
  textField,
} from './read-field.ts';

/** `spec.externalIPs`. Any that is no address is left out: the cluster addresses are right all the same. */
export const readExternalIPs = (review: Review, spec: Fields): readonly string[] => {
  const path = at(at(undefined, 'spec'), 'externalIPs');
  const texts = listField(review, spec, 'externalIPs', at(undefined, 'spec'));
  return distinct(texts.map((text, index) => externalAddress(review, text, at(path, index))));
};

/**
 * Addresses of `status.loadBalancer.ingress`. With `ipMode: Proxy` the load balancer does more than forward (it ends
 * TLS, adds the PROXY protocol), so its address must be asked, also from inside (KEP-1860).
 */
export const readLoadBalancerIPs = (review: Review, raw: Fields): readonly string[] => {
  const statusPath = at(undefined, 'status');
  const status = objectField(review, raw, 'status') ?? {};
  const loadBalancer = objectField(review, status, 'loadBalancer', statusPath) ?? {};
  const path = at(at(statusPath, 'loadBalancer'), 'ingress');
  const addresses = listField(review, loadBalancer, 'ingress', at(statusPath, 'loadBalancer')).map((value, index) => {
    const fields = asObject(review, value, at(path, index)) ?? {};
    const isProxy = choiceField(review, fields, 'ipMode', IP_MODES, at(path, index)) === 'Proxy';
    const ip = textField(review, fields, 'ip', at(path, index));
    return isProxy || ip === '' ? undefined : externalAddress(review, ip, at(at(path, index), 'ip'));
  });
  return distinct(addresses);
};

const IP_MODES = ['VIP', 'Proxy'] as const;

const externalAddress = (review: Review, text: unknown, path: Path): string | undefined => {
  const parsed = parseAddress(String(text));
  if ('problem' in parsed) {
    complain(review, 'warning', path, parsed.problem);
    return undefined;
  }
  const range = specialRange(parsed.text);
  if (range === undefined) return parsed.text;
  complain(review, 'warning', path, `"${parsed.text}" is ${range}, which no Service may take over`);
  return undefined;
};

const NONE: readonly string[] = [];

const distinct = (addresses: readonly (string | undefined)[]): readonly string[] =>
  addresses.length === 0 ? NONE : exact([...new Set(addresses)].filter((address) => address !== undefined));
