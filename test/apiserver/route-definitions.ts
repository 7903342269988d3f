import { retryUntil } from '../helpers/retry.ts';
import type { RealCluster } from './real-cluster.ts';

const GROUP = 'gateway.networking.k8s.io';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** The definition of TCPRoutes as releases of the Gateway API have it, without what Shunt does not read. */
export const putRouteDefinition = async (cluster: RealCluster, served: readonly string[]): Promise<void> => {
  const path = `${DEFINITIONS}/tcproutes.${GROUP}`;
  const versions = ['v1', 'v1alpha2'].map((name) => ({
    name,
    served: served.includes(name),
    storage: name === 'v1alpha2',
    schema: { openAPIV3Schema: SCHEMA },
    subresources: { status: {} },
  }));
  const spec = {
    group: GROUP,
    scope: 'Namespaced',
    names: { kind: 'TCPRoute', listKind: 'TCPRouteList', plural: 'tcproutes', singular: 'tcproute' },
    versions,
  };
  if ((await cluster.call('GET', path)).status === 404) {
    const annotations = { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/2466' };
    await cluster.create(DEFINITIONS, { metadata: { name: `tcproutes.${GROUP}`, annotations }, spec });
  } else await cluster.patch(path, { spec: { versions } });
  for (const { name, served: isServed } of versions) {
    const status = isServed ? 200 : 404;
    await retryUntil(async () => (await cluster.call('GET', routesIn(name))).status === status, { timeoutMs: 30_000 });
  }
};

export const removeRouteDefinition = (cluster: RealCluster): Promise<void> =>
  cluster.delete(`${DEFINITIONS}/tcproutes.${GROUP}`);

export const routesIn = (version: string, namespace?: string): string =>
  `/apis/${GROUP}/${version}/${namespace === undefined ? '' : `namespaces/${namespace}/`}tcproutes`;

const text = { type: 'string' };
const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** That server, as newer compilers build it, takes an empty text for none where a text must be. */
const mayBeEmpty = { 'x-kubernetes-preserve-unknown-fields': true };

const REF = {
  type: 'object',
  required: ['name'],
  properties: {
    group: mayBeEmpty,
    kind: { ...text, default: 'Gateway' },
    namespace: text,
    name: text,
    sectionName: text,
    port: { type: 'integer' },
  },
};

const CONDITION = {
  type: 'object',
  required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
  properties: {
    type: text,
    status: { ...text, enum: ['True', 'False', 'Unknown'] },
    reason: { ...text, minLength: 1 },
    message: mayBeEmpty,
    observedGeneration: { type: 'integer' },
    lastTransitionTime: { ...text, format: 'date-time' },
  },
};

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: open,
    status: {
      type: 'object',
      required: ['parents'],
      properties: {
        parents: {
          type: 'array',
          maxItems: 32,
          items: {
            type: 'object',
            required: ['controllerName', 'parentRef'],
            properties: {
              controllerName: { ...text, minLength: 1 },
              parentRef: REF,
              conditions: {
                type: 'array',
                items: CONDITION,
                'x-kubernetes-list-type': 'map',
                'x-kubernetes-list-map-keys': ['type'],
              },
            },
          },
        },
      },
    },
  },
};
