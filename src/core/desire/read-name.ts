import { complain, type Path, type Review, shown } from './read-field.ts';

/** RFC 1123 label: names of ports and namespaces, and of Services (Kubernetes 1.34 relaxed those from RFC 1035). */
export const checkLabel = (review: Review, name: string, path: Path): void => {
  if (name.length > LABEL_LENGTH_MAX || !LABEL.test(name)) {
    const rule = `must be at most ${LABEL_LENGTH_MAX} lower case letters, digits and inner "-"`;
    complain(review, 'error', path, `${rule}, is ${shown(name)}`);
  }
};

/** RFC 1123 subdomain: names of most objects. */
export const checkSubdomain = (review: Review, name: string, path: Path): void => {
  if (name.length > SUBDOMAIN_LENGTH_MAX || !SUBDOMAIN.test(name)) {
    const rule = `must be at most ${SUBDOMAIN_LENGTH_MAX} lower case letters, digits, inner "-" and "."`;
    complain(review, 'error', path, `${rule}, is ${shown(name)}`);
  }
};

/** Name of a label, `[DNS subdomain/]name` (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/). */
export const checkLabelKey = (review: Review, key: string, path: Path): void => {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  const isName = name.length <= LABEL_LENGTH_MAX && LABEL_NAME.test(name);
  const isPrefix = prefix === undefined || (prefix.length <= SUBDOMAIN_LENGTH_MAX && SUBDOMAIN.test(prefix));
  if (isName && isPrefix && more.length === 0) return;
  const rule = `must be a name of a label such as "app" or "example.com/app"`;
  complain(review, 'error', path, `${rule}, is ${shown(key)}`);
};

export const checkLabelValue = (review: Review, value: string, path: Path): void => {
  if (value === '' || (value.length <= LABEL_LENGTH_MAX && LABEL_NAME.test(value))) return;
  const rule = `must be at most ${LABEL_LENGTH_MAX} letters, digits and inner "-", "_" and "."`;
  complain(review, 'error', path, `${rule}, is ${shown(value)}`);
};

const LABEL_LENGTH_MAX = 63;
const SUBDOMAIN_LENGTH_MAX = 253;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
