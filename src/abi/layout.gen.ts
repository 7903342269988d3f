// Generated from bpf/abi.h, bpf/maps.h and bpf/same-node/tables.h by scripts/gen-layout.mjs. Do not edit: run `make generate`.

/** sha-256 of every record, constant and table below; the sizes that tables start with are left out. */
export const LAYOUT_HASH = '1c537d2408c995628066d4b86bc2cab9d1dd70d9e736dc1a5f3ac17cb088c817';

// Records: their size and the byte offset of each field; of arrays also the number of elements.
export const ADDRESS = { size: 16, word: 0, wordCount: 4 } as const;
export const FRONTEND_KEY = {
  size: 28,
  address: 0,
  port: 16,
  protocol: 18,
  zero: 19,
  client: 20,
  clientCount: 2,
} as const;
export const FRONTEND = { size: 24, service: 0, slotBase: 4, slotCount: 8, scope: 12, flags: 16, check: 20 } as const;
export const CHOICE_HEADER = { size: 16, total: 0, stride: 4, lookupSize: 8, zero: 12 } as const;
export const SLOT = { size: 16, threshold: 0, backend: 4, alias: 8, until: 12 } as const;
export const LOOKUP = { size: 16, backend: 0, backendCount: 4 } as const;
export const ARM = { size: 16, service: 0, slotBase: 4, slotCount: 8, zero: 12 } as const;
export const BACKEND = {
  size: 32,
  address: 0,
  port: 16,
  protocol: 18,
  flags: 19,
  generation: 20,
  weight: 24,
  service: 28,
} as const;
export const SERVICE = {
  size: 24,
  identity: 0,
  identityCount: 2,
  generation: 8,
  algorithm: 12,
  affinityTimeoutS: 16,
  flags: 20,
} as const;
export const ENDING = { size: 20, address: 0, port: 16, zero: 18 } as const;
export const COUNTERS = {
  size: 120,
  attempts: 0,
  established: 8,
  refused: 16,
  timedOut: 24,
  unreachable: 32,
  abandoned: 40,
  closed: 48,
  reset: 56,
  broken: 64,
  bytesSent: 72,
  bytesReceived: 80,
  connectNs: 88,
  datagrams: 96,
  rejected: 104,
  datagramsReceived: 112,
} as const;
export const SERVICE_STATS = {
  size: 696,
  total: 0,
  turn: 120,
  turnIpv6: 128,
  retransmits: 136,
  rttUs: 144,
  rttSamples: 152,
  rejectedNoPort: 160,
  rejectedShare: 168,
  connectLatency: 176,
  connectLatencyCount: 32,
  firstResponseNs: 432,
  firstResponse: 440,
  firstResponseCount: 32,
} as const;
export const CALLER_KEY = { size: 16, cgroup: 0, service: 8, serviceGeneration: 12 } as const;
export const CALLER_STATS = {
  size: 64,
  attempts: 0,
  established: 8,
  failed: 16,
  closed: 24,
  broken: 32,
  rejected: 40,
  bytesSent: 48,
  bytesReceived: 56,
} as const;
export const BACKEND_STATS = { size: 128, total: 0, ewma: 120, ewmaAt: 124 } as const;
export const CONNECTION = {
  size: 56,
  serviceAddress: 0,
  backendAddress: 16,
  servicePort: 32,
  backendPort: 34,
  protocol: 36,
  state: 37,
  flags: 38,
  released: 39,
  service: 40,
  serviceGeneration: 44,
  backend: 48,
  backendGeneration: 52,
} as const;
export const CONNECTION_SET = { size: 256, cookie: 0, cookieCount: 4, way: 32, wayCount: 4 } as const;
export const EXCHANGE = { size: 24, beganUs: 0, received: 8, answered: 12, owner: 16, zero: 20 } as const;
export const EXCHANGE_SET = { size: 96, way: 0, wayCount: 4 } as const;
export const CONNECTION_OVERFLOW = { size: 64, cookie: 0, connection: 8 } as const;
export const ACCOUNT = { size: 24, sent: 0, received: 8, retransmits: 16 } as const;
export const AFFINITY_KEY = { size: 16, client: 0, service: 8, kind: 12, family: 13, scope: 14 } as const;
export const AFFINITY = { size: 16, lastUsedNs: 0, backend: 8, generation: 12 } as const;
export const UDP_PEER_KEY = { size: 32, cookie: 0, address: 8, port: 24, zero: 26, zeroCount: 3 } as const;
export const UDP_PEER = {
  size: 48,
  cookie: 0,
  address: 8,
  port: 24,
  zero: 26,
  service: 28,
  serviceGeneration: 32,
  backend: 36,
  backendGeneration: 40,
  padding: 44,
} as const;
export const EVENT = {
  size: 96,
  atNs: 0,
  cgroup: 8,
  connectNs: 16,
  lastedNs: 24,
  bytesSent: 32,
  bytesReceived: 40,
  serviceAddress: 48,
  backendAddress: 64,
  service: 80,
  serviceGeneration: 84,
  servicePort: 88,
  backendPort: 90,
  protocol: 92,
  outcome: 93,
  zero: 94,
} as const;
export const EVENT_CONTROL = { size: 8, every: 0, established: 4 } as const;
export const EVENT_STATS = { size: 24, offered: 0, sampledOut: 8, dropped: 16 } as const;
export const EVENT_BEGIN = { size: 16, atNs: 0, connectNs: 8 } as const;
export const END_KEY = { size: 24, address: 0, port: 16, zero: 18, zeroCount: 6 } as const;
export const SAME_NODE_CONTROL = { size: 16, off: 0, generation: 4, measuring: 8, watched: 12 } as const;
export const SAME_NODE_STATS = {
  size: 176,
  messages: 0,
  bytes: 8,
  fallbacks: 16,
  fallbacksCount: 8,
  unfit: 80,
  unfitCount: 12,
} as const;
export const REDIRECTED_KEY = {
  size: 24,
  cgroup: 0,
  service: 8,
  serviceGeneration: 12,
  backend: 16,
  backendGeneration: 20,
} as const;
export const REDIRECTED = { size: 16, bytesSent: 0, bytesReceived: 8 } as const;
export const REDIRECTED_GROWTH = { size: 40, key: 0, bytes: 24 } as const;
export const MEASURED_KEY = { size: 8, service: 0, serviceGeneration: 4 } as const;
export const ANSWERS = { size: 264, firstResponseNs: 0, firstResponse: 8, firstResponseCount: 32 } as const;

// Enums and constants.
export const SCOPE = { CLUSTER: 0, EXTERNAL: 1 } as const;
export const SCOPE_NAMES = ['cluster', 'external'] as const;
export const ALGORITHM = { WEIGHTED_RANDOM: 0, ROUND_ROBIN: 1, LEAST_CONNECTIONS: 2, PEAK_EWMA: 3, MAGLEV: 4 } as const;
export const ALGORITHM_NAMES = ['weighted_random', 'round_robin', 'least_connections', 'peak_ewma', 'maglev'] as const;
export const CONNECTION_STATE = { FREE: 0, PENDING: 1, ACTIVE: 2 } as const;
export const CONNECTION_STATE_NAMES = ['free', 'pending', 'active'] as const;
export const AFFINITY_KIND = { POD: 1, SOCKET: 2 } as const;
export const VERDICT = {
  REFUSED_NO_ENDPOINT: 0,
  DROPPED_NO_ENDPOINT: 1,
  PASSED_NO_ENDPOINT: 2,
  REFUSED_NO_PORT: 3,
  DROPPED_NO_PORT: 4,
  PASSED_NO_PORT: 5,
  REFUSED_ARM: 6,
  DROPPED_ARM: 7,
  PASSED_ARM: 8,
  REFUSED_BAD_TABLE: 9,
  DROPPED_NO_PEER: 10,
  OVERFLOWED: 11,
  UNREMEMBERED: 12,
  UNNAMED: 13,
  COUNT: 14,
} as const;
export const VERDICT_NAMES = [
  'refused_no_endpoint',
  'dropped_no_endpoint',
  'passed_no_endpoint',
  'refused_no_port',
  'dropped_no_port',
  'passed_no_port',
  'refused_arm',
  'dropped_arm',
  'passed_arm',
  'refused_bad_table',
  'dropped_no_peer',
  'overflowed',
  'unremembered',
  'unnamed',
] as const;
export const EVENT_OUTCOME = {
  ESTABLISHED: 0,
  CLOSED: 1,
  RESET: 2,
  BROKEN: 3,
  REFUSED: 4,
  TIMED_OUT: 5,
  UNREACHABLE: 6,
  ABANDONED: 7,
  REJECTED_NO_ENDPOINT: 8,
  REJECTED_NO_PORT: 9,
  REJECTED_SHARE: 10,
} as const;
export const EVENT_OUTCOME_NAMES = [
  'established',
  'closed',
  'reset',
  'broken',
  'refused',
  'timed_out',
  'unreachable',
  'abandoned',
  'rejected_no_endpoint',
  'rejected_no_port',
  'rejected_share',
] as const;
export const END_MODE = { LOCAL: 1, REDIRECT: 2, PLAIN: 3, SERVED: 4 } as const;
export const FALLBACK = {
  PEER: 0,
  UNREAD: 1,
  STATE: 2,
  ROOM: 3,
  OPTIONS: 4,
  UNFIT: 5,
  SENDER: 6,
  OFF: 7,
  COUNT: 8,
} as const;
export const FALLBACK_NAMES = ['peer', 'unread', 'state', 'room', 'options', 'unfit', 'sender', 'off'] as const;
export const UNFIT = {
  NOT: 0,
  BLOCKS: 1,
  FLAGS: 2,
  OPTIONS: 3,
  SPLICES: 4,
  FALLS_BACK: 5,
  EDGE: 6,
  REFUSED: 7,
  WORKLOAD: 8,
  PROGRAM: 9,
  PEER: 10,
  UNWANTED: 11,
  COUNT: 12,
} as const;
export const UNFIT_NAMES = [
  'not',
  'blocks',
  'flags',
  'options',
  'splices',
  'falls_back',
  'edge',
  'refused',
  'workload',
  'program',
  'peer',
  'unwanted',
] as const;
export const SEEN = { CANDIDATE: 0, JOINED: 1, UNFIT: 2 } as const;
export const SEEN_NAMES = ['candidate', 'joined', 'unfit'] as const;
export const SCOPE_VARIANT_SHIFT = 1;
export const FRONTEND_ARMS = 1;
export const FRONTEND_LEVELS_SHIFT = 16;
export const FRONTEND_LEVELS = 16;
export const CHECK_SEED = 1799596469;
export const CHECK_ADDRESS_0 = 506952113;
export const CHECK_ADDRESS_1 = 1441516151;
export const CHECK_ADDRESS_2 = 1119006269;
export const CHECK_ADDRESS_3 = 668265263;
export const CHECK_PORT_PROTOCOL = 374761393;
export const CHECK_CLIENT_0 = 2146121005;
export const CHECK_CLIENT_1 = 1181241943;
export const CHECK_SERVICE = 1403151469;
export const CHECK_SLOT_BASE = 2104510149;
export const CHECK_SLOT_COUNT = 895110921;
export const CHECK_SCOPE = 739982445;
export const CHECK_FLAGS = 1757159915;
export const SERVICE_HASH_SOURCE = 1;
export const SERVICE_MEASURED = 2;
export const LATENCY_BUCKETS = 32;
export const EWMA_HALF_LIFE = 4096;
export const EWMA_FRACTION_BITS = 6;
export const CONNECTION_ARMED = 1;
export const CONNECTION_TIMED = 2;
export const CONNECTION_AWAITED = 4;
export const CONNECTION_CALLS = 8;
export const CONNECTION_BEGUN = 16;
export const CONNECTION_WAYS = 4;

/** Tables by their names in the kernel. `type` and `flags` are those of bpf(2); `maxEntries` is a floor. */
export const MAPS = {
  accounts: { type: 24, keySize: 4, valueSize: 24, flags: 1, maxEntries: 0 },
  affinity: { type: 9, keySize: 16, valueSize: 16, flags: 0, maxEntries: 65536 },
  backend_stats: { type: 2, keySize: 4, valueSize: 128, flags: 1024, maxEntries: 1024 },
  backends: { type: 2, keySize: 4, valueSize: 32, flags: 1024, maxEntries: 1024 },
  callers: { type: 1, keySize: 16, valueSize: 64, flags: 1, maxEntries: 16384 },
  connections: { type: 2, keySize: 4, valueSize: 256, flags: 1024, maxEntries: 1024 },
  connections_overflow: { type: 24, keySize: 4, valueSize: 64, flags: 1, maxEntries: 0 },
  event_begins: { type: 24, keySize: 4, valueSize: 16, flags: 1, maxEntries: 0 },
  event_control: { type: 2, keySize: 4, valueSize: 8, flags: 1024, maxEntries: 1 },
  event_stats: { type: 2, keySize: 4, valueSize: 24, flags: 1024, maxEntries: 1 },
  events: { type: 27, keySize: 0, valueSize: 0, flags: 0, maxEntries: 524288 },
  exchanges: { type: 2, keySize: 4, valueSize: 96, flags: 0, maxEntries: 1024 },
  frontends: { type: 1, keySize: 28, valueSize: 24, flags: 0, maxEntries: 1024 },
  service_stats: { type: 2, keySize: 4, valueSize: 696, flags: 1024, maxEntries: 1024 },
  services: { type: 2, keySize: 4, valueSize: 24, flags: 1024, maxEntries: 1024 },
  slots: { type: 2, keySize: 4, valueSize: 16, flags: 1024, maxEntries: 1024 },
  socket_affinity: { type: 9, keySize: 16, valueSize: 16, flags: 0, maxEntries: 65536 },
  udp_peers: { type: 9, keySize: 32, valueSize: 48, flags: 0, maxEntries: 65536 },
  verdicts: { type: 2, keySize: 4, valueSize: 8, flags: 1024, maxEntries: 14 },
} as const;

/** The same of bpf/same-node/tables.h. */
export const SAME_NODE_MAPS = {
  accounted: { type: 1, keySize: 24, valueSize: 16, flags: 1, maxEntries: 65536 },
  answers: { type: 1, keySize: 8, valueSize: 264, flags: 1, maxEntries: 65536 },
  answers_accounted: { type: 1, keySize: 8, valueSize: 264, flags: 1, maxEntries: 65536 },
  candidates: { type: 24, keySize: 4, valueSize: 128, flags: 1, maxEntries: 0 },
  control: { type: 2, keySize: 4, valueSize: 16, flags: 1024, maxEntries: 1 },
  demoted: { type: 9, keySize: 8, valueSize: 4, flags: 0, maxEntries: 4096 },
  ends: { type: 1, keySize: 24, valueSize: 4, flags: 0, maxEntries: 16384 },
  joined: { type: 18, keySize: 8, valueSize: 8, flags: 0, maxEntries: 65536 },
  measured: { type: 1, keySize: 8, valueSize: 4, flags: 1, maxEntries: 65536 },
  peers: { type: 9, keySize: 40, valueSize: 48, flags: 0, maxEntries: 65536 },
  redirected: { type: 1, keySize: 24, valueSize: 16, flags: 1, maxEntries: 65536 },
  ripened: { type: 2, keySize: 4, valueSize: 8, flags: 1024, maxEntries: 1 },
  same_node_stats: { type: 6, keySize: 4, valueSize: 176, flags: 0, maxEntries: 1 },
  unjoinable: { type: 9, keySize: 40, valueSize: 4, flags: 0, maxEntries: 16384 },
} as const;
