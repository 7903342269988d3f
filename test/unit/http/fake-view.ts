import type { EventLine, EventView, SamplingView } from '../../../src/agent/event-view.ts';
import type {
  AgentStatus,
  AgentView,
  BackendView,
  EventStream,
  ServiceUsage,
  ServiceView,
} from '../../../src/agent/view.ts';
import type { WorkloadUsage } from '../../../src/agent/workload-totals.ts';
import type { Decision } from '../../../src/core/explain.ts';
import type { Counters, FirstResponses, ServiceStats } from '../../../src/dataplane/dataplane.ts';

export const COUNTERS: Counters = {
  attempts: 10,
  established: 6,
  refused: 1,
  timedOut: 1,
  unreachable: 0,
  abandoned: 1,
  reset: 1,
  broken: 1,
  closed: 4,
  active: 2,
  pending: 1,
  bytesSent: 2048,
  bytesReceived: 3_000_000,
  connectNs: 1_500_000_000,
  datagrams: 7,
  datagramsReceived: 5,
  rejected: 3,
};

export const NO_COUNTERS = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as unknown as Counters;

/** 4 connects of 32 to 64 us, 2 of over a minute. */
export const STATS: ServiceStats = {
  ...COUNTERS,
  retransmits: 9,
  rttMicros: 1_250_000,
  rttSamples: 8,
  rejectedNoPort: 1,
  rejectedShare: 0,
  connectLatency: Array.from({ length: 32 }, (_, bucket) => (bucket === 6 ? 4 : bucket === 27 ? 2 : 0)),
};

/** 3 first responses of 8 to 16 ms, one of over a minute. */
export const FIRST_RESPONSES: FirstResponses = {
  ns: 90_000_000_000,
  buckets: Array.from({ length: 32 }, (_, bucket) => (bucket === 14 ? 3 : bucket === 27 ? 1 : 0)),
};

export const IDLE: ServiceStats = {
  ...NO_COUNTERS,
  retransmits: 0,
  rttMicros: 0,
  rttSamples: 0,
  rejectedNoPort: 0,
  rejectedShare: 0,
  connectLatency: Array.from({ length: 32 }, () => 0),
};

export const serviceView = (changes: Partial<ServiceView> = {}): ServiceView => ({
  id: 'shop/cart/grpc/TCP',
  namespace: 'shop',
  service: 'cart',
  portName: 'grpc',
  protocol: 'TCP',
  port: 7070,
  addresses: ['10.96.0.5', 'fd00:10:96::77'],
  nodePort: 30_080,
  backends: 2,
  algorithm: 'WeightedRandom',
  affinityTimeoutS: 0,
  stats: STATS,
  ...changes,
});

export const backendView = (changes: Partial<BackendView> = {}): BackendView => ({
  service: 'shop/cart',
  id: 'shop/cart/grpc/TCP',
  state: 'answering',
  address: '10.244.1.41',
  port: 7070,
  algorithm: 'WeightedRandom',
  weight: 1,
  share: 0.5,
  stats: COUNTERS,
  ...changes,
});

export const STATUS: AgentStatus = {
  version: '1.2.3',
  pid: 42,
  startedAtMs: 0,
  node: 'worker-1',
  source: { name: 'file:/objects', synced: true, whole: true, trouble: '' },
  ready: true,
  unhealthy: '',
  objects: {
    services: 1,
    endpointSlices: 2,
    trafficPolicies: 3,
    destinationRules: 0,
    routes: 5,
    referenceGrants: 0,
    nodes: 1,
    pods: 4,
  },
  clients: { found: 3, waiting: 1, refused: 0 },
  sameNode: {
    attached: true,
    unavailable: '',
    ends: 12,
    failures: 3,
    sockets: { candidate: 1, joined: 4, unfit: 2 },
    messages: 90,
    bytes: 9000,
    fallbacks: { unread: 7, room: 3 },
    unfit: { blocks: 2 },
  },
  statusWriting: {
    isLeader: true,
    leader: 'worker-1_7f',
    pending: 2,
    writes: { written: 4, unchanged: 0, conflict: 0, gone: 0, undone: 0, failed: 1 },
  },
  watches: [
    {
      resource: 'services',
      apiVersion: 'v1',
      synced: true,
      objects: 1,
      lastEventAtMs: 1000,
      lastBookmarkAtMs: undefined,
      syncs: { start: 1, expired: 2, fallback: 0 },
      reconnects: { closed: 3, bad_line: 1, idle: 0 },
      badLines: 1,
      waiting: 0,
    },
  ],
  complaints: { errors: 1, warnings: 2, notes: 3 },
  used: { frontends: 900, slots: 20, backends: 30, services: 40 },
  capacity: { frontends: 1000, slots: 200, backends: 300, services: 400 },
  connections: { used: 5, size: 65_536 },
  lastChange: undefined,
};

export const serviceUsage = (changes: Partial<ServiceUsage> = {}): ServiceUsage => {
  const { id, namespace, service, protocol, port, stats } = serviceView();
  return { id, namespace, service, protocol, port, stats, ...changes };
};

export const EVENT: EventView = {
  atMs: 1_700_000_000_000,
  outcome: 'closed',
  protocol: 'TCP',
  from: { cgroup: '4711', namespace: 'shop', pod: 'web-1' },
  service: 'shop/cart',
  id: 'shop/cart/grpc/TCP',
  address: '10.96.0.5',
  port: 7070,
  endpoint: { address: '10.244.1.41', port: 7070 },
  connectMs: 0.042,
  durationMs: 1500,
  bytesSent: 5,
  bytesReceived: 11,
};

export const SAMPLING: SamplingView = { sampling: 4, offered: 100, sampledOut: 70, dropped: 5, skipped: 1 };

/** What comes at once, and then nothing more. */
export const eventStream = (batches: readonly (readonly EventLine[])[], close = (): void => {}): EventStream => ({
  async *[Symbol.asyncIterator]() {
    yield* batches;
  },
  close,
});

export const workloadUsage = (changes: Partial<WorkloadUsage> = {}): WorkloadUsage => {
  const { stats: _, ...port } = serviceUsage();
  const workload = { namespace: 'front', name: 'Deployment/web' };
  const ends = { failed: 4, closed: 3, broken: 2, rejected: 1 };
  const counts = { attempts: 12, established: 7, ...ends, bytesSent: 100, bytesReceived: 2000 };
  return { ...port, workload, counts, ...changes };
};

const isOf = (only: string | undefined, id: string): boolean =>
  only === undefined || id === only || id.startsWith(`${only}/`);

export const fakeView = (changes: Partial<AgentView> & { readonly state?: Partial<AgentStatus> } = {}): AgentView => {
  const services = [
    serviceView(),
    serviceView({ id: 'shop/idle//TCP', service: 'idle', portName: '', backends: 0, stats: IDLE }),
    serviceView({ id: 'shop-old/cart//TCP', namespace: 'shop-old', portName: '' }),
  ];
  return {
    status: () => ({ ...STATUS, ...changes.state }),
    health: () => ({ ...STATUS, ...changes.state }),
    services: (only) => services.filter(({ id }) => isOf(only, id)),
    backends: (only) => [backendView()].filter(({ id }) => isOf(only, id)),
    usage: () => [serviceUsage()],
    workloads: () => ({ usage: [workloadUsage()], pairs: { shown: 1, other: 7 } }),
    explain: (question): Decision => ({ outcome: 'left alone', question, why: { reason: 'no such address' } }),
    complaints: () => [{ severity: 'error', object: 'Service shop/cart', path: 'spec', message: 'is wrong' }],
    events: () => eventStream([]),
    verdicts: () => ({ refused_no_endpoint: 3, refused_bad_table: 0 }),
    detachedPrograms: () => ['shunt_connect4'],
    programRuns: () => [{ program: 'shunt_connect4', runs: 4000, ns: 2_000_000 }],
    ...changes,
  };
};
