import { parseAddress, specialRange } from '../model/address.ts';
import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import type { Family, ObjectRef, Protocol, ServiceObject, ServicePort } from '../model/objects.ts';
import { readExternalIPs, readLoadBalancerIPs } from './read-external.ts';
import {
  asObject,
  at,
  booleanField,
  choiceField,
  complain,
  type Fields,
  integerField,
  isAbsent,
  listField,
  objectField,
  type Path,
  type Review,
  shown,
  textField,
  timeField,
} from './read-field.ts';
import { checkLabel } from './read-name.ts';

/** Projects a v1 Service (https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/). */
export const readService = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): ServiceObject => {
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const labels = objectField(review, metadata, 'labels', METADATA) ?? {};
  const spec = objectField(review, raw, 'spec') ?? {};
  const type = choiceField(review, spec, 'type', TYPES, SPEC);
  const external = type === 'ExternalName';
  const clusterIPs = external ? [] : clusterIPTexts(review, spec);
  const headless = clusterIPs.includes('None') || LABEL_HEADLESS in labels;
  if (isEmptyList(spec.ports) && !external && !headless) {
    complain(review, 'error', PORTS, 'must have at least one port');
  }
  return {
    kind: 'Service',
    namespace: ref.namespace,
    name: ref.name,
    createdAtMs: timeField(review, metadata, 'creationTimestamp', Number.POSITIVE_INFINITY, 'error', METADATA),
    type,
    headless,
    proxyName: LABEL_PROXY_NAME in labels ? intern(textField(review, labels, LABEL_PROXY_NAME, LABELS)) : undefined,
    clusterIPs: headless ? [] : exact(readClusterIPs(review, clusterIPs)),
    externalIPs: headless || external ? NONE : readExternalIPs(review, spec),
    loadBalancerIPs: headless || type !== 'LoadBalancer' ? NONE : readLoadBalancerIPs(review, raw),
    sourceRanges: type === 'LoadBalancer' && !isEmptyList(spec.loadBalancerSourceRanges),
    ports: exact(readPorts(review, spec, hasNodePorts(type), intern)),
    affinityTimeoutS: readAffinity(review, spec),
    internalTrafficPolicy: choiceField(review, spec, 'internalTrafficPolicy', TRAFFIC_POLICIES, SPEC),
    publishNotReadyAddresses: booleanField(review, spec, 'publishNotReadyAddresses', false, SPEC),
  };
};

/** `clusterIPs`; Services from before dual stack, and manifests written by hand, have only `clusterIP`. */
const clusterIPTexts = (review: Review, spec: Fields): readonly string[] => {
  const single = textField(review, spec, 'clusterIP', SPEC);
  const texts = listField(review, spec, 'clusterIPs', SPEC).filter((value, index): value is string => {
    if (typeof value === 'string') {
      return true;
    }
    complain(review, 'error', at(CLUSTER_IPS, index), `must be a string, is ${shown(value)}`);
    return false;
  });
  if (texts.length === 0) {
    return single === '' ? [] : [single];
  }
  if (single !== '' && single !== texts[0]) {
    complain(review, 'error', CLUSTER_IPS, `must begin with the value of clusterIP, ${shown(single)}`);
  }
  if (texts.length > 1 && texts.includes('None')) {
    complain(review, 'error', CLUSTER_IPS, 'must not hold "None" together with an address');
  }
  return texts;
};

const readClusterIPs = (review: Review, texts: readonly string[]): readonly string[] => {
  const addresses: string[] = [];
  const families: Family[] = [];
  for (const [index, text] of texts.entries()) {
    const path = at(CLUSTER_IPS, index);
    const parsed = parseAddress(text);
    if ('problem' in parsed) {
      complain(review, 'error', path, parsed.problem);
      continue;
    }
    const range = specialRange(parsed.text);
    if (range !== undefined) {
      complain(review, 'error', path, `"${text}" is ${range}, which no Service may take over`);
    }
    if (families.includes(parsed.family)) {
      complain(
        review,
        'error',
        path,
        `is a second IPv${parsed.family} address; a Service has at most one of each family`,
      );
    }
    families.push(parsed.family);
    addresses.push(parsed.text);
  }
  return addresses;
};

const isEmptyList = (value: unknown): boolean => isAbsent(value) || (Array.isArray(value) && value.length === 0);

const hasNodePorts = (type: ServiceObject['type']): boolean => type === 'NodePort' || type === 'LoadBalancer';

const readPorts = (review: Review, spec: Fields, nodePorts: boolean, intern: Intern): readonly ServicePort[] => {
  const names = new Set<string>();
  const numbers = new Set<string>();
  const raws = listField(review, spec, 'ports', SPEC);
  return raws.flatMap((raw, index) => {
    const path = at(PORTS, index);
    const port = readPort(review, raw, path, nodePorts, intern);
    if (port === undefined) {
      return [];
    }
    if (port.name === '' && raws.length > 1) {
      complain(review, 'error', at(path, 'name'), 'is missing; a Service with several ports must name each');
    } else if (names.has(port.name)) {
      complain(review, 'error', at(path, 'name'), `"${port.name}" is the name of an earlier port`);
    }
    const number = `${port.port}/${port.protocol}`;
    if (numbers.has(number)) {
      complain(review, 'error', at(path, 'port'), `${number} is an earlier port`);
    }
    names.add(port.name);
    numbers.add(number);
    return [port];
  });
};

const readPort = (
  review: Review,
  raw: unknown,
  path: Path,
  nodePorts: boolean,
  intern: Intern,
): ServicePort | undefined => {
  const fields = asObject(review, raw, path);
  if (fields === undefined) {
    return undefined;
  }
  const name = textField(review, fields, 'name', path);
  if (name !== '') {
    checkLabel(review, name, at(path, 'name'));
  }
  const protocol = choiceField(review, fields, 'protocol', PROTOCOLS, path);
  const port = integerField(review, fields, 'port', PORT_RANGE, path);
  if (port === undefined) {
    if (isAbsent(fields.port)) {
      complain(review, 'error', at(path, 'port'), 'is missing');
    }
    return undefined;
  }
  // 0 and absence both mean: none, or not given one yet.
  const nodePort = nodePorts ? (integerField(review, fields, 'nodePort', NODE_PORT_RANGE, path) ?? 0) : 0;
  return { name: intern(name), protocol, port, nodePort };
};

const readAffinity = (review: Review, spec: Fields): number => {
  if (choiceField(review, spec, 'sessionAffinity', AFFINITIES, SPEC) === 'None') {
    return 0;
  }
  const configPath = at(SPEC, 'sessionAffinityConfig');
  const config = objectField(review, spec, 'sessionAffinityConfig', SPEC) ?? {};
  const clientIP = objectField(review, config, 'clientIP', configPath) ?? {};
  const clientIPPath = at(configPath, 'clientIP');
  return integerField(review, clientIP, 'timeoutSeconds', AFFINITY_RANGE_S, clientIPPath) ?? AFFINITY_DEFAULT_S;
};

/** Also the values of EndpointSlice ports. */
export const PROTOCOLS: readonly [Protocol, ...Protocol[]] = ['TCP', 'UDP', 'SCTP'];
export const PORT_RANGE = { min: 1, max: 65_535 } as const;
const NODE_PORT_RANGE = { min: 0, max: 65_535 } as const;
export const LABEL_HEADLESS = 'service.kubernetes.io/headless';

const NONE: readonly string[] = [];
const LABEL_PROXY_NAME = 'service.kubernetes.io/service-proxy-name';
const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
const AFFINITIES = ['None', 'ClientIP'] as const;
const TRAFFIC_POLICIES = ['Cluster', 'Local'] as const;
const AFFINITY_DEFAULT_S = 10_800;
const AFFINITY_RANGE_S = { min: 1, max: 86_400 } as const;

const METADATA = at(undefined, 'metadata');
const LABELS = at(METADATA, 'labels');
const SPEC = at(undefined, 'spec');
const PORTS = at(SPEC, 'ports');
const CLUSTER_IPS = at(SPEC, 'clusterIPs');
