import type { Complaint, ServiceObject } from '../model/objects.ts';
import { complaintAbout } from './complaint.ts';

/** Services that are none of our business, as documented: nothing is wrong with them. Undefined for all others. */
export const notProgrammed = (service: ServiceObject, proxyName: string): Complaint | undefined => {
  if (service.type === 'ExternalName') {
    return note(service, 'spec.type', 'ExternalName is answered by DNS alone: nothing to program');
  }
  if (service.headless) {
    return note(service, 'spec.clusterIP', 'headless: clients connect to its endpoints directly, nothing to program');
  }
  if (isOthers(service, proxyName)) {
    return note(service, PROXY_NAME_PATH, `left to ${proxyText(service.proxyName)}: we serve ${ours(proxyName)}`);
  }
  if (service.clusterIPs.length === 0) {
    return note(service, 'spec.clusterIPs', 'has no address yet: nothing to program');
  }
  return undefined;
};

/** Another proxy serves it. */
export const isOthers = (service: ServiceObject, proxyName: string): boolean =>
  service.proxyName !== (proxyName === '' ? undefined : proxyName);

/** KEP-2447: whoever the label names serves the Service, and nobody else. An empty label names nobody. */
const PROXY_NAME_PATH = 'metadata.labels[service.kubernetes.io/service-proxy-name]';

const proxyText = (name: string | undefined): string => {
  if (name === undefined) return 'the default proxy';
  return name === '' ? 'a proxy without a name' : `the proxy named ${name}`;
};

const ours = (name: string): string => (name === '' ? 'Services without this label' : `only those labelled ${name}`);

const note = (service: ServiceObject, path: string, message: string): Complaint =>
  complaintAbout(service, 'note', path, message);
