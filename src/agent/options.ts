/** A setting of the agent: flag `--name`, variable `SHUNT_NAME`, and key `name` in camelCase of the `--config` file. */
export interface Option {
  /** Stands for the value in `--help`. */
  readonly value: string;
  /** As text, as a flag would be given; absent: found out on the machine, as `about` says. */
  readonly default?: string;
  readonly about: string;
}

/** Every setting, by the name of its flag. */
export const OPTIONS = {
  source: {
    value: 'SOURCE',
    about:
      'where cluster objects come from: `kubernetes`, the API server, by default in a Pod and with --kubeconfig; ' +
      'or file:PATH, a file or a directory of YAML or JSON, watched',
  },
  kubeconfig: {
    value: 'FILE',
    about: 'how to reach the API server; by default as a Pod does, by the token of its service account',
  },
  context: { value: 'NAME', about: 'context of the kubeconfig; by default its current one' },
  cgroup: { value: 'PATH', about: 'attach to this cgroup; by default the root of cgroup v2, so every process' },
  'bpf-root': {
    value: 'PATH',
    default: '/sys/fs/bpf/shunt',
    about: 'directory of a BPF file system for what is pinned',
  },
  listen: {
    value: 'HOST:PORT',
    default: '127.0.0.1:10377',
    about: 'serve /metrics, /healthz and /readyz here; `off` for none',
  },
  ui: {
    value: 'HOST:PORT',
    default: 'off',
    about:
      'serve the live page here: `on` for 127.0.0.1:10378, or the path of a UNIX socket; it asks nobody who they are',
  },
  socket: { value: 'PATH', default: '/run/shunt/admin.sock', about: 'UNIX socket of the admin API' },
  'node-name': { value: 'NAME', about: 'name of this node in the objects; by default NODE_NAME, else the host name' },
  'service-proxy-name': {
    value: 'NAME',
    default: '',
    about: 'take only Services with this label service.kubernetes.io/service-proxy-name; empty: those without',
  },
  'external-ips': {
    value: 'SWITCH',
    default: 'off',
    about: 'on: serve `spec.externalIPs` too; whoever may edit a Service can take over any address with them',
  },
  'same-node': {
    value: 'SWITCH',
    default: 'on',
    about: 'off: no two Pods of this node are joined socket to socket, whatever policies and labels ask for',
  },
  'istio-metrics': {
    value: 'SWITCH',
    default: 'off',
    about: "on: show TCP connections by workload and Service under Istio's names as well, for Kiali and its dashboards",
  },
  netns: {
    value: 'DIR',
    default: '/var/run/netns',
    about: "where the pods' network namespaces lie: UDP sockets there are told when their endpoint is gone",
  },
  connections: {
    value: 'COUNT',
    default: '65536',
    about: 'connections to remember at once, a power of two; more are remembered at a higher cost',
  },
  config: { value: 'FILE', about: 'YAML file with the same settings, names in camelCase' },
  'log-level': { value: 'LEVEL', default: 'info', about: 'debug, info, warn, error or silent' },
  'log-format': { value: 'FORMAT', default: 'auto', about: 'json, text, or auto: text on a terminal' },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof OPTIONS;

export const variableOf = (name: OptionName): string => `SHUNT_${name.replaceAll('-', '_').toUpperCase()}`;

export const keyOf = (name: OptionName): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
