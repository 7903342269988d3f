import { parseAddress, specialRange } from '../model/address.ts';
import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import {
  type EndpointObject,
  type EndpointSliceObject,
  type EndpointSlicePort,
  type Family,
  type Hints,
  NO_HINTS,
  type ObjectRef,
} from '../model/objects.ts';
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
import { LABEL_HEADLESS, PORT_RANGE, PROTOCOLS } from './read-service.ts';

/**
 * Projects a discovery.k8s.io/v1 EndpointSlice
 * (https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/). Like kube-proxy it takes
 * no slice labelled headless, and none of an address type other than IPv4 and IPv6.
 */
export const readEndpointSlice = (
  review: Review,
  raw: Fields,
  ref: ObjectRef,
  intern: Intern,
): EndpointSliceObject | undefined => {
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const labels = objectField(review, metadata, 'labels', METADATA) ?? {};
  const annotations = objectField(review, metadata, 'annotations', METADATA) ?? {};
  const service = textField(review, labels, LABEL_SERVICE, LABELS);
  const family = readFamily(review, raw);
  if (family === undefined) {
    return undefined;
  }
  // Validated even where it asks for nothing: a mistake is one whoever the slice belongs to.
  const slice: EndpointSliceObject = {
    kind: 'EndpointSlice',
    namespace: ref.namespace,
    name: ref.name,
    service: intern(service),
    family,
    ports: exact(readPorts(review, raw, intern)),
    endpoints: readEndpoints(review, raw, family, intern),
    triggeredAtMs: timeField(review, annotations, ANNOTATION_TRIGGERED, 0, 'warning', at(METADATA, 'annotations')),
  };
  if (service === '') {
    complain(review, 'note', at(LABELS, LABEL_SERVICE), 'is missing: the endpoints belong to no Service');
    return undefined;
  }
  if (LABEL_HEADLESS in labels) {
    complain(
      review,
      'note',
      at(LABELS, LABEL_HEADLESS),
      'is present: endpoints of a headless Service are not programmed',
    );
    return undefined;
  }
  return slice;
};

const readFamily = (review: Review, raw: Fields): Family | undefined => {
  const path = at(undefined, 'addressType');
  const addressType = textField(review, raw, 'addressType');
  switch (addressType) {
    case 'IPv4':
      return 4;
    case 'IPv6':
      return 6;
    case 'FQDN':
      complain(review, 'note', path, 'is FQDN: names are not programmed, only addresses');
      return undefined;
    default:
      complain(review, 'error', path, `must be IPv4, IPv6 or FQDN, is ${shown(addressType)}`);
      return undefined;
  }
};

const readPorts = (review: Review, raw: Fields, intern: Intern): readonly EndpointSlicePort[] => {
  const names = new Set<string>();
  return listField(review, raw, 'ports').flatMap((value, index) => {
    const path = at(PORTS, index);
    const fields = asObject(review, value, path);
    if (fields === undefined) {
      return [];
    }
    const name = textField(review, fields, 'name', path);
    if (name !== '') {
      checkLabel(review, name, at(path, 'name'));
    }
    if (names.has(name)) {
      complain(review, 'error', at(path, 'name'), `${shown(name)} is the name of an earlier port`);
    }
    names.add(name);
    const protocol = choiceField(review, fields, 'protocol', PROTOCOLS, path);
    const port = integerField(review, fields, 'port', PORT_RANGE, path);
    if (port === undefined) {
      if (isAbsent(fields.port)) {
        complain(review, 'warning', at(path, 'port'), 'is missing, which means all ports: such a port is left out');
      }
      return [];
    }
    return [{ name: intern(name), protocol, port }];
  });
};

const readEndpoints = (review: Review, raw: Fields, family: Family, intern: Intern): readonly EndpointObject[] => {
  const raws = listField(review, raw, 'endpoints');
  if (raws.length > ENDPOINTS_MAX) {
    complain(review, 'error', ENDPOINTS, `must have at most ${ENDPOINTS_MAX} entries, has ${raws.length}`);
    return [];
  }
  // Of exactly this length: an array that grew by `push` keeps room for half as many again.
  const endpoints = new Array<EndpointObject>(raws.length);
  for (const [index, value] of raws.entries()) {
    endpoints[index] = readEndpoint(review, value, at(ENDPOINTS, index), family, intern);
  }
  return endpoints;
};

const readEndpoint = (review: Review, raw: unknown, path: Path, family: Family, intern: Intern): EndpointObject => {
  const fields = asObject(review, raw, path) ?? {};
  const conditions = objectField(review, fields, 'conditions', path) ?? {};
  const conditionsPath = at(path, 'conditions');
  const labels = readLabels(review, fields, path, intern);
  const endpoint: EndpointObject = {
    address: readAddress(review, fields, path, family),
    ready: booleanField(review, conditions, 'ready', true, conditionsPath),
    serving: booleanField(review, conditions, 'serving', true, conditionsPath),
    terminating: booleanField(review, conditions, 'terminating', false, conditionsPath),
    node: intern(textField(review, fields, 'nodeName', path)),
    zone: intern(textField(review, fields, 'zone', path)),
    hints: readHints(review, fields, path, intern),
    pod: readPod(review, fields, path),
  };
  return labels === undefined ? endpoint : { ...endpoint, labels };
};

/** The first of the addresses; the others must be right as well. */
const readAddress = (review: Review, fields: Fields, path: Path, family: Family): string => {
  const addressesPath = at(path, 'addresses');
  const texts = listField(review, fields, 'addresses', path);
  let first = '';
  for (const [index, text] of texts.entries()) {
    const address = checkAddress(review, text, at(addressesPath, index), family);
    if (index === 0) {
      first = address;
    }
  }
  if (texts.length === 0) {
    complain(review, 'error', addressesPath, 'must have at least one address');
  }
  return first;
};

const checkAddress = (review: Review, text: unknown, path: Path, family: Family): string => {
  if (typeof text !== 'string') {
    complain(review, 'error', path, `must be a string, is ${shown(text)}`);
    return '';
  }
  const parsed = parseAddress(text);
  if ('problem' in parsed) {
    complain(review, 'error', path, parsed.problem);
    return '';
  }
  if (parsed.family !== family) {
    complain(
      review,
      'error',
      path,
      `"${text}" is an IPv${parsed.family} address in a slice of addressType IPv${family}`,
    );
  }
  const range = specialRange(parsed.text);
  if (range !== undefined) {
    complain(review, 'error', path, `"${text}" is ${range}; an endpoint must not lead into the node or to a group`);
  }
  return parsed.text;
};

const readHints = (review: Review, fields: Fields, path: Path, intern: Intern): Hints => {
  const hints = objectField(review, fields, 'hints', path);
  if (hints === undefined) return NO_HINTS;
  const namesIn = (key: string): readonly string[] => {
    const list = at(at(path, 'hints'), key);
    const names = listField(review, hints, key, at(path, 'hints')).map((value, index) =>
      intern(textField(review, asObject(review, value, at(list, index)) ?? {}, 'name', at(list, index))),
    );
    return exact(names.filter((name) => name !== ''));
  };
  const read = { zones: namesIn('forZones'), nodes: namesIn('forNodes') };
  return read.zones.length + read.nodes.length === 0 ? NO_HINTS : read;
};

const readPod = (review: Review, fields: Fields, path: Path): string => {
  const target = objectField(review, fields, 'targetRef', path);
  if (target === undefined || target.kind !== 'Pod') {
    return '';
  }
  return textField(review, target, 'name', at(path, 'targetRef'));
};

/** `deprecatedTopology`, which v1beta1 called topology: the one place for labels of an endpoint. Undefined for none. */
const readLabels = (
  review: Review,
  fields: Fields,
  path: Path,
  intern: Intern,
): Readonly<Record<string, string>> | undefined => {
  const raw = objectField(review, fields, 'deprecatedTopology', path);
  const names = Object.keys(raw ?? {});
  if (raw === undefined || names.length === 0) return undefined;
  const labelsPath = at(path, 'deprecatedTopology');
  return Object.fromEntries(names.map((name) => [intern(name), intern(textField(review, raw, name, labelsPath))]));
};

const LABEL_SERVICE = 'kubernetes.io/service-name';
const ANNOTATION_TRIGGERED = 'endpoints.kubernetes.io/last-change-trigger-time';
/** Of the API server. */
const ENDPOINTS_MAX = 1000;

const METADATA = at(undefined, 'metadata');
const LABELS = at(METADATA, 'labels');
const PORTS = at(undefined, 'ports');
const ENDPOINTS = at(undefined, 'endpoints');
