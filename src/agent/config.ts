import { createRequire } from 'node:module';
import { ShuntError } from '../errors.ts';
import type { CgroupRoot } from './cgroup-root.ts';
import { keyOf, OPTIONS, type OptionName, variableOf } from './options.ts';

/** The settings of a run; every one is set and allowed. */
export interface Config {
  readonly source: FileSettings | KubernetesSettings;
  /** Absolute path of a cgroup v2 directory. */
  readonly cgroup: string;
  readonly bpfRoot: string;
  /** Absent: not served. `host` without brackets. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** The live page. Absent: not served, and no history kept. */
  readonly ui: PageSettings | undefined;
  readonly socket: string;
  readonly nodeName: string;
  readonly serviceProxyName: string;
  readonly externalIPs: boolean;
  /** What policies and labels say of it counts. */
  readonly sameNode: boolean;
  /** Series under Istio's names as well. */
  readonly istioMetrics: boolean;
  /** Need not exist. */
  readonly netns: string;
  /** A power of two. */
  readonly connections: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** `host` without brackets, or the path of a UNIX socket. */
export type PageSettings = { readonly host: string; readonly port: number } | { readonly path: string };

export interface FileSettings {
  readonly kind: 'file';
  readonly path: string;
}

export interface KubernetesSettings {
  readonly kind: 'kubernetes';
  /** Undefined: as a Pod reaches the API server. */
  readonly kubeconfig: string | undefined;
  /** Undefined: the current one of the kubeconfig. */
  readonly context: string | undefined;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

const SWITCH = ['off', 'on'] as const;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const LOG_FORMATS = ['auto', 'json', 'text'] as const;
const CONNECTIONS_MIN = 1024;
/** 64 bytes each: 1 GiB. */
const CONNECTIONS_MAX = 2 ** 24;

export interface ConfigInput {
  /** By flag name, as given on the command line. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file of `configPath`. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** What the machine itself says. `cgroupRoot` is undefined when no cgroup v2 is mounted. */
  readonly machine: { readonly hostname: string; readonly cgroupRoot: CgroupRoot | undefined };
}

/** Flag, else environment, else file, else default. Throws SHUNT_E_CONFIG. */
export const readConfig = ({ flags, env, file, machine }: ConfigInput): Config => {
  const settings = collect(flags, env, file);
  const read = <T>(name: OptionName, parseText: Parse<T>, found?: string): T => {
    const setting = settings.get(name) ?? fallback(name, found);
    const value = parseText(setting.text);
    if (value instanceof Refusal) throw refuse(setting.from, quote(setting.text), value.allowed);
    return value;
  };
  const readIfGiven = (name: OptionName): string | undefined =>
    settings.has(name) ? read(name, parseText) : undefined;
  const inPod = Boolean(env.KUBERNETES_SERVICE_HOST);
  const kubernetes = { kubeconfig: readIfGiven('kubeconfig'), context: readIfGiven('context'), inPod };
  const found = inPod || kubernetes.kubeconfig !== undefined ? 'kubernetes' : undefined;
  return Object.freeze({
    source: read('source', parseSource(kubernetes), found),
    cgroup: read('cgroup', parsePath, settings.has('cgroup') ? undefined : wholeRoot(machine.cgroupRoot)),
    bpfRoot: read('bpf-root', parsePath),
    listen: read('listen', parseListen),
    ui: read('ui', parseUi),
    socket: read('socket', parseSocket),
    nodeName: read('node-name', parseName, env.NODE_NAME || machine.hostname),
    serviceProxyName: read('service-proxy-name', parseProxyName),
    externalIPs: read('external-ips', oneOf(SWITCH)) === 'on',
    sameNode: read('same-node', oneOf(SWITCH)) === 'on',
    istioMetrics: read('istio-metrics', oneOf(SWITCH)) === 'on',
    netns: read('netns', parsePath),
    connections: read('connections', parseConnections),
    logLevel: read('log-level', oneOf(LOG_LEVELS)),
    logFormat: read('log-format', oneOf(LOG_FORMATS)),
  });
};

/** What is attached to the root of a cgroup namespace serves the processes of that container only, and silently. */
const wholeRoot = (root: CgroupRoot | undefined): string | undefined => {
  if (root === undefined || root.isMachines) return root?.path;
  const way = "run in the machine's cgroup namespace, or mount its cgroup v2 here and give that path";
  throw refuse('--cgroup', 'to leave it out', `${root.path} is the root of a cgroup namespace only: ${way}`);
};

/** The `--config` file, which is read before everything else. */
export const configPath = ({ flags, env }: Pick<ConfigInput, 'flags' | 'env'>): string | undefined =>
  flags.config ?? (env[variableOf('config')] || undefined);

interface Setting {
  readonly text: string;
  /** Names what the user must change. */
  readonly from: string;
}

class Refusal {
  readonly allowed: string;

  constructor(allowed: string) {
    this.allowed = allowed;
  }
}

type Parse<T> = (text: string) => T | Refusal;

const NAMES = Object.keys(OPTIONS) as OptionName[];

const collect = (
  flags: ConfigInput['flags'],
  env: ConfigInput['env'],
  file: ConfigInput['file'],
): ReadonlyMap<OptionName, Setting> => {
  const settings = file === undefined ? new Map<OptionName, Setting>() : readFile(file);
  for (const name of NAMES) {
    const flag = flags[name];
    const variable = env[variableOf(name)];
    if (flag !== undefined) settings.set(name, { text: flag, from: `--${name}` });
    else if (variable) settings.set(name, { text: variable, from: variableOf(name) });
  }
  return settings;
};

const fallback = (name: OptionName, found: string | undefined): Setting => {
  const option: { readonly default?: string; readonly value: string } = OPTIONS[name];
  const text = found ?? option.default;
  if (text === undefined) throw refuse(`--${name}`, 'to leave it out', NEEDED[name] ?? `${option.value} is needed`);
  return { text, from: `--${name}` };
};

/** What is said of a setting that cannot be found out here. */
const NEEDED: Partial<Record<OptionName, string>> = {
  source: 'file:PATH, or --kubeconfig FILE, is needed outside of a Pod',
};

const readFile = ({ path, text }: NonNullable<ConfigInput['file']>): Map<OptionName, Setting> => {
  const content = parseMapping(path, text);
  const byKey = new Map(NAMES.filter((name) => name !== 'config').map((name) => [keyOf(name), name]));
  const settings = new Map<OptionName, Setting>();
  for (const [key, value] of Object.entries(content)) {
    const name = byKey.get(key);
    const from = `${key} in ${path}`;
    if (name === undefined) throw refuse(from, 'this key', `${[...byKey.keys()].join(', ')} are`);
    if (!isScalar(value)) throw refuse(from, JSON.stringify(value), 'one string or number is');
    // YAML 1.1 readers take `off` for a boolean, and people who know that write false.
    settings.set(name, { text: value === false ? 'off' : String(value), from });
  }
  return settings;
};

/** The parser is loaded only when there is a file: it takes 14 MB. */
const parseMapping = (path: string, text: string): object => {
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  let content: unknown;
  try {
    content = parse(text, { schema: 'core' }) ?? {};
  } catch (error) {
    throw refuse('--config', quote(path), `valid YAML is: ${firstLine((error as Error).message)}`);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  throw refuse('--config', quote(path), 'a YAML mapping of settings is');
};

const isScalar = (value: unknown): value is string | number | false =>
  typeof value === 'string' || typeof value === 'number' || value === false;

interface Reached extends Omit<KubernetesSettings, 'kind'> {
  /** The kubelet says where the API server is. */
  readonly inPod: boolean;
}

const parseSource =
  ({ kubeconfig, context, inPod }: Reached): Parse<Config['source']> =>
  (text) => {
    if (text === 'kubernetes') {
      if (kubeconfig === undefined && !inPod)
        return new Refusal('outside of a Pod --kubeconfig FILE is needed with it');
      if (kubeconfig === undefined && context !== undefined) return new Refusal('--context needs --kubeconfig FILE');
      return Object.freeze({ kind: 'kubernetes', kubeconfig, context });
    }
    const path = text.startsWith('file:') ? text.slice('file:'.length) : '';
    if (path === '') return new Refusal('kubernetes or file:PATH is');
    if (kubeconfig !== undefined) return new Refusal('--kubeconfig is for `kubernetes`');
    return Object.freeze({ kind: 'file', path });
  };

const parseText: Parse<string> = (text) => (text === '' || text.includes('\0') ? new Refusal('a text is') : text);

const parsePath: Parse<string> = (text) =>
  text.startsWith('/') && !text.includes('\0') ? text : new Refusal('an absolute path is');

/** sun_path of unix(7) holds 108 bytes, with a closing NUL. */
const parseSocket: Parse<string> = (text) => {
  const fits = Buffer.byteLength(text) <= 107;
  return fits ? parsePath(text) : new Refusal('an absolute path of at most 107 bytes is');
};

const parseListen: Parse<Config['listen']> = (text) => {
  if (text === 'off') return undefined;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) return new Refusal('HOST:PORT, [IPV6]:PORT or off is');
  return Object.freeze({ host, port });
};

/** What `--ui on` is. */
export const UI_DEFAULT = Object.freeze({ host: '127.0.0.1', port: 10_378 });

const parseUi: Parse<Config['ui']> = (text) => {
  if (text === 'on') return UI_DEFAULT;
  if (text.startsWith('/')) {
    const path = parseSocket(text);
    return path instanceof Refusal ? path : Object.freeze({ path });
  }
  const at = parseListen(text);
  return at instanceof Refusal ? new Refusal('on, off, HOST:PORT, [IPV6]:PORT or an absolute path is') : at;
};

/** RFC 1123 subdomain, as names of nodes are. */
const parseName: Parse<string> = (text) => {
  const name = text.toLowerCase();
  const valid = name.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name);
  return valid ? name : new Refusal('the name of a node (letters, digits, `-` and `.`) is');
};

/** Values of labels. */
const parseProxyName: Parse<string> = (text) =>
  /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/.test(text) ? text : new Refusal('the value of a label is');

const parseConnections: Parse<number> = (text) => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const allowed = count >= CONNECTIONS_MIN && count <= CONNECTIONS_MAX && Number.isInteger(Math.log2(count));
  return allowed ? count : new Refusal(`a power of two from ${CONNECTIONS_MIN} to ${CONNECTIONS_MAX} is`);
};

const oneOf =
  <T extends string>(allowed: readonly T[]): Parse<T> =>
  (text) =>
    allowed.find((each) => each === text) ?? new Refusal(`one of ${allowed.join(', ')} is`);

const refuse = (setting: string, value: string, allowed: string): ShuntError =>
  new ShuntError('SHUNT_E_CONFIG', { setting, value, allowed });

const quote = (text: string): string => `\`${text}\``;

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;
