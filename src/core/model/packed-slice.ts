import {
  type EndpointObject,
  type EndpointSliceObject,
  type EndpointSlicePort,
  type Family,
  type Hints,
  NO_HINTS,
} from './objects.ts';

/**
 * Most of what is known of a cluster is endpoints, and most of their time nobody looks at them. So their texts are kept
 * as one, without what all names of Pods begin with, and the endpoints are made anew for whoever asks.
 */
export const packSlice = (slice: EndpointSliceObject, placeOf: PlaceOf): EndpointSliceObject =>
  slice.endpoints.some(({ labels }) => labels !== undefined)
    ? new LabelledSlice(slice, placeOf)
    : new PackedSlice(slice, placeOf);

/** Where an endpoint runs, and for whom. */
export interface Place {
  readonly node: string;
  readonly zone: string;
  readonly hints: Hints;
}

/** Returns the one kept copy of a place. */
export type PlaceOf = (node: string, zone: string, hints: Hints) => Place;

/**
 * A node is in one zone and most hints are for that or for the node itself, so the last place of each node is kept, once
 * without and once with hints. All are forgotten when there are `sizeMax`.
 */
export const createPlaces = (sizeMax = 65_536): PlaceOf => {
  const plain = new Map<string, Place>();
  const hinted = new Map<string, Place>();
  return (node, zone, hints) => {
    const byNode = hints === NO_HINTS ? plain : hinted;
    const known = byNode.get(node);
    if (known?.zone === zone && areEqual(known.hints, hints)) return known;
    if (byNode.size >= sizeMax) byNode.clear();
    const place = Object.freeze({ node, zone, hints });
    byNode.set(node, place);
    return place;
  };
};

const areEqual = (a: Hints, b: Hints): boolean =>
  a === b || (isSameList(a.zones, b.zones) && isSameList(a.nodes, b.nodes));

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);

/** Without making them. */
export const endpointCount = (slice: EndpointSliceObject): number =>
  slice instanceof PackedSlice ? slice.places.length : slice.endpoints.length;

/** All fields but `endpoints` are its own: equal slices have equal JSON. */
class PackedSlice implements EndpointSliceObject {
  readonly kind: 'EndpointSlice';
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly family: Family;
  readonly ports: readonly EndpointSlicePort[];
  readonly triggeredAtMs: number;
  /** What the names of all Pods begin with, then of each endpoint `address conditions length rest-of-pod`. */
  readonly text: string;
  readonly prefixLength: number;
  /** Of each endpoint. */
  readonly places: readonly Place[];

  constructor(
    { kind, namespace, name, service, family, ports, endpoints, triggeredAtMs }: EndpointSliceObject,
    placeOf: PlaceOf,
  ) {
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.service = service;
    this.family = family;
    this.ports = ports;
    this.triggeredAtMs = triggeredAtMs;
    const prefix = commonPrefix(endpoints.map(({ pod }) => pod));
    this.text = [prefix, ...endpoints.map((endpoint) => pack(endpoint, prefix.length))].join('');
    this.prefixLength = prefix.length;
    this.places = endpoints.map(({ node, zone, hints }) => placeOf(node, zone, hints));
  }

  get endpoints(): readonly EndpointObject[] {
    const { text, prefixLength, places } = this;
    const prefix = text.slice(0, prefixLength);
    let at = prefixLength;
    return places.map(({ node, zone, hints }): EndpointObject => {
      const addressEnd = text.indexOf(' ', at);
      const conditions = text.charCodeAt(addressEnd + 1) - ZERO;
      const lengthEnd = text.indexOf(' ', addressEnd + 3);
      const address = text.slice(at, addressEnd);
      at = lengthEnd + 1 + Number(text.slice(addressEnd + 3, lengthEnd));
      return {
        address,
        ready: (conditions & READY) !== 0,
        serving: (conditions & SERVING) !== 0,
        terminating: (conditions & TERMINATING) !== 0,
        node,
        zone,
        hints,
        pod: prefix + text.slice(lengthEnd + 1, at),
      };
    });
  }
}

/** Few makers of slices give labels; slices of the others have no room for them. */
class LabelledSlice extends PackedSlice {
  /** Of each endpoint; null: none. */
  readonly labels: readonly (Readonly<Record<string, string>> | null)[];

  constructor(slice: EndpointSliceObject, placeOf: PlaceOf) {
    super(slice, placeOf);
    this.labels = slice.endpoints.map(({ labels }) => labels ?? null);
  }

  override get endpoints(): readonly EndpointObject[] {
    return super.endpoints.map((endpoint, index): EndpointObject => {
      const labels = this.labels[index] ?? null;
      return labels === null ? endpoint : { ...endpoint, labels };
    });
  }
}

const READY = 1;
const SERVING = 2;
const TERMINATING = 4;
const ZERO = 48;

/** The length stands before the name, so that the name may hold anything. */
const pack = ({ address, ready, serving, terminating, pod }: EndpointObject, prefixLength: number): string => {
  const conditions = (ready ? READY : 0) | (serving ? SERVING : 0) | (terminating ? TERMINATING : 0);
  return `${address} ${conditions} ${pod.length - prefixLength} ${pod.slice(prefixLength)}`;
};

const commonPrefix = ([first = '', ...others]: readonly string[]): string => {
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && other.charCodeAt(same) === first.charCodeAt(same)) same++;
    length = same;
  }
  return first.slice(0, length);
};
