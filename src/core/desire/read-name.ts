import { complain, type Path, type Review, shown } from './read-field.ts';

/** RFC 1123 label: names of ports and namespaces, and of Services (Kubernetes 1.34 relaxed those from RFC 1035). */
export const checkLabel = (review: Review, name: string, path: Path): void => {
  if (name.length > LABEL_LENGTH_MAX || !LABEL.test(name)) {
    const rule = `must be at most ${LABEL_LENGTH_MAX} lower case letters, digits and inner "-"`;
    complain(review, 'error', path, `${rule}, is ${shown(name)}`);
  }
};

/** RFC 1123 subdomain: names of EndpointSlices and TrafficPolicies. */
export const checkSubdomain = (review: Review, name: string, path: Path): void => {
  if (name.length > SUBDOMAIN_LENGTH_MAX || !SUBDOMAIN.test(name)) {
    const rule = `must be at most ${SUBDOMAIN_LENGTH_MAX} lower case letters, digits, inner "-" and "."`;
    complain(review, 'error', path, `${rule}, is ${shown(name)}`);
  }
};

const LABEL_LENGTH_MAX = 63;
const SUBDOMAIN_LENGTH_MAX = 253;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
