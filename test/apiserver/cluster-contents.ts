import { listItems } from '../../src/core/desire/read.ts';
import type { RawObject } from '../helpers/api-server/resources.ts';
import { POLICIES, type RealCluster, SLICES } from './real-cluster.ts';

export const OUR_NODE = 'node-a';

/** What a node reads of the cluster, as the server shows it to its administrator. */
export const readableIn = async (cluster: RealCluster): Promise<readonly RawObject[]> => {
  const list = async (path: string): Promise<readonly RawObject[]> => {
    const { status, body } = await cluster.call('GET', path);
    if (status === 404) return [];
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return listItems(body) as readonly RawObject[];
  };
  const lists = await Promise.all([
    list('/api/v1/services'),
    list(`${SLICES}?labelSelector=%21service.kubernetes.io/headless`),
    list(`/api/v1/nodes?fieldSelector=metadata.name=${OUR_NODE}`),
    list(`/api/v1/pods?fieldSelector=spec.nodeName=${OUR_NODE}`),
    list(POLICIES),
  ]);
  return lists.flat();
};

/** A Service `shop/NAME` with port 80 and a slice of that name. */
export const putService = async (
  cluster: RealCluster,
  name: string,
  addresses: readonly string[],
  namespace = 'shop',
) => {
  await cluster.create(`/api/v1/namespaces/${namespace}/services`, {
    metadata: { name },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
  await cluster.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, sliceOf(name, addresses));
};

/** Replaces the endpoints of the slice. */
export const setEndpoints = (cluster: RealCluster, name: string, addresses: readonly string[], namespace = 'shop') =>
  cluster.patch(`${slicePath(name, namespace)}`, { endpoints: sliceOf(name, addresses).endpoints });

export const slicePath = (name: string, namespace = 'shop'): string =>
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`;

/** The Node of this agent, and a Pod that runs on it. */
export const putNode = async (cluster: RealCluster): Promise<void> => {
  await cluster.create('/api/v1/nodes', {
    metadata: { name: OUR_NODE, labels: { 'topology.kubernetes.io/zone': 'a' } },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] },
  });
  await putPod(cluster, 'web-0', '10.1.0.1');
};

/** Returns its uid. */
export const putPod = async (cluster: RealCluster, name: string, ip: string, namespace = 'shop'): Promise<string> => {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  // A token is bound only to a Pod of its own service account.
  const serviceAccountName = namespace === 'kube-system' ? 'shunt' : 'default';
  const spec = { nodeName: OUR_NODE, serviceAccountName, containers: [{ name: 'app', image: 'app' }] };
  const { metadata } = await cluster.create(path, { metadata: { name }, spec });
  await cluster.patch(`${path}/${name}/status`, {
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
  });
  return metadata.uid;
};

const sliceOf = (name: string, addresses: readonly string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: OUR_NODE })),
});
