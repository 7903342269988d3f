import { randomUUID } from 'node:crypto';
import type { EndpointSliceObject } from '../../src/core/model/objects.ts';
import { type ClusterSize, generateServices, serviceObject, sliceObjects } from '../generate.ts';
import { rawNode, rawPod, rawService, rawSlice } from './objects.ts';

/** The node that the agent is on, and how many Pods it has. */
export const NODE = 'node-0000';
const PODS = 30;

/** One endpoint of a Service, and the address by which the Service is asked for. */
export interface Toggled {
  readonly address: string;
  readonly port: number;
  readonly slice: EndpointSliceObject;
  readonly uid: string;
  /** Whether the first endpoint is. */
  ready: boolean;
}

/** What an API server would have: of each resource the objects as JSON, without its surroundings. */
export interface BenchCluster {
  readonly resources: Readonly<Record<string, readonly Buffer[]>>;
  readonly toggled: readonly Toggled[];
  /** Of the newest object. */
  readonly version: number;
}

export const createCluster = (size: ClusterSize): BenchCluster => {
  let version = 100_000;
  const services: Buffer[] = [];
  const slices: Buffer[] = [];
  const toggled: Toggled[] = [];
  for (const service of generateServices(size)) {
    services.push(bytesOf(rawService(serviceObject(service), randomUUID(), ++version)));
    for (const slice of sliceObjects(service)) {
      const uid = randomUUID();
      slices.push(bytesOf(rawSlice(slice, uid, ++version, new Date(slice.triggeredAtMs).toISOString())));
      toggled.push({ address: service.address, port: service.port, slice, uid, ready: true });
    }
  }
  const nodes = [bytesOf(rawNode(NODE, ++version))];
  const pods = Array.from({ length: PODS }, (_, index) => bytesOf(rawPod(NODE, index, ++version)));
  return {
    resources: {
      '/api/v1/services': services,
      '/apis/discovery.k8s.io/v1/endpointslices': slices,
      '/api/v1/nodes': nodes,
      '/api/v1/pods': pods,
    },
    toggled,
    version,
  };
};

/** The slice with its first endpoint ready or not, as it is changed now. */
export const toggle = ({ slice, uid, ready }: Toggled, version: number): Buffer => {
  const [first, ...others] = slice.endpoints;
  const endpoints = first === undefined ? [] : [{ ...first, ready, serving: ready }, ...others];
  const raw = rawSlice({ ...slice, endpoints }, uid, version, new Date().toISOString());
  return Buffer.from(`{"type":"MODIFIED","object":${JSON.stringify(raw)}}\n`);
};

const bytesOf = (raw: object): Buffer => Buffer.from(JSON.stringify(raw));
