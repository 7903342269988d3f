/** Every error a user can meet: its code, what it says, what to do, and the exit status. docs/errors.md is made from it. */
export const ERRORS = {
  SHUNT_E_UNKNOWN_VERB: {
    status: 2,
    message: 'there is no verb `{verb}`',
    help: 'Did you mean `shunt {nearest}`? `shunt --help` lists the verbs.',
  },
  SHUNT_E_ARGUMENTS: { status: 2, message: '{detail}', help: 'See `shunt {verb} --help`.' },
  SHUNT_E_CONFIG: {
    status: 2,
    message: '{setting}: {value} is not allowed; {allowed}',
    help: 'Every setting is a flag, a SHUNT_* variable or a key of the file given by --config; see `shunt run --help`.',
  },
  SHUNT_E_READ: { status: 1, message: '{path}: {reason}', help: 'Check that the path exists and may be read.' },
  SHUNT_E_NO_AGENT: {
    status: 1,
    message: 'no agent answers at {socket}',
    help: 'Traffic goes on without it, as it was last programmed, if it was. Start it with `shunt run`, or give its --socket.',
  },
  SHUNT_E_DETACHED_NODE: {
    status: 1,
    message: 'no agent answers at {socket}, and nothing of Shunt is found in or at {looked}',
    help: 'Connections go as if there were no Shunt, unless it has another --bpf-root and another --cgroup. Start `shunt run`; `shunt explain --source` says what it would do.',
  },
  SHUNT_E_UNSEEN_NODE: {
    status: 1,
    message: 'no agent answers at {socket}, and whether anything of Shunt is attached cannot be told: {unseen}',
    help: 'Ask as root, on the node itself and not in a container of it; or give the --socket of the agent.',
  },
  SHUNT_E_SOCKET_DENIED: { status: 1, message: 'may not use {socket}', help: 'Run as root, as the agent does.' },
  SHUNT_E_AGENT_ANSWER: {
    status: 1,
    message: 'the agent at {socket} answered {status}: {reason}',
    help: 'Use the `shunt` of the version that the agent has; its log says more.',
  },
  SHUNT_E_RUNNING: {
    status: 1,
    message: 'an agent is running: it answers at {socket}',
    help: 'Stop that agent first.',
  },
  SHUNT_E_LISTEN: {
    status: 1,
    message: 'cannot listen on {address}: {reason}',
    help: 'Choose another address: --listen for metrics (`off` for none), --socket for the admin API.',
  },
  SHUNT_E_NO_SERVICE: {
    status: 1,
    message: 'no Service {service} is programmed; nearest by name: {nearest}',
    help: '`shunt services` lists those that are; `shunt plan` says why one is not.',
  },
  SHUNT_E_HTTP_PATH: { status: 1, message: 'there is no {path}', help: 'These exist: {paths}.' },
  SHUNT_E_HTTP_HOST: {
    status: 1,
    message: '{host} is not what this page is called',
    help: 'Ask for localhost or an IP address: any other name may be that of a page elsewhere that was led here.',
  },
  SHUNT_E_HTTP_SITE: {
    status: 1,
    message: 'a page of another site asked for {path}',
    help: 'Open the live page itself.',
  },
  SHUNT_E_HTTP_METHOD: { status: 1, message: '{method} is not allowed', help: 'Everything here is read by GET.' },
  SHUNT_E_HTTP_PARAMETER: {
    status: 1,
    message: 'parameter {parameter}: {value} is not allowed; {allowed}',
    help: 'Correct the parameter.',
  },
  SHUNT_E_STARTING: { status: 1, message: 'the agent is starting: {reason}', help: 'Ask again in a moment.' },
  SHUNT_E_NODE: {
    status: 1,
    message: 'The embedded node: {step}: {detail}.',
    help: 'It needs root, iproute2, cgroup v2 and a kernel with network namespaces, veth, bridge and IPv6.',
  },
  SHUNT_E_APPLY: {
    status: 1,
    message: 'the kernel tables took {applied} of {total} changes, then {step} failed: {reason}',
    help: 'Traffic goes on with what is in force, and the agent tries again. If it stays, run `shunt doctor`.',
  },
  SHUNT_E_LOAD: {
    status: 1,
    message: 'this kernel does not take the BPF programs: {reason}',
    help: 'Shunt needs Linux 5.10 with BTF, cgroup v2 and CAP_SYS_ADMIN; `shunt doctor` says what is missing.',
  },
  SHUNT_E_CGROUP: {
    status: 1,
    message: 'there is no cgroup of cgroup v2 at {path}',
    help: 'Make it (`mkdir`, below the cgroup v2 mount, which `findmnt -t cgroup2` shows), or give another one as --cgroup.',
  },
  SHUNT_E_RIGHTS: {
    status: 1,
    message: 'may not use {path}: {reason}',
    help: 'Run this as root: the agent, and who removes what it left, need CAP_SYS_ADMIN (CAP_BPF is too little to open programs that are attached) and CAP_NET_ADMIN. `shunt doctor` says what is missing.',
  },
  SHUNT_E_BPF_ROOT: {
    status: 1,
    message: 'cannot use {path}: {parent} is no bpffs, and mounting one there would hide what is in it',
    help: 'Give a directory on a bpffs as --bpf-root, such as /sys/fs/bpf/shunt.',
  },
  SHUNT_E_BPFFS: {
    status: 1,
    message:
      '{parent} is no bpffs, and one that is mounted in a container would go with it, and all programs with that',
    help: 'Mount it on the node (`mount -t bpf bpf /sys/fs/bpf`), and mount that into the container.',
  },
  SHUNT_E_DETACHED: {
    status: 1,
    message: 'programs were detached by somebody else: {programs}',
    help: 'Shunt attaches them again. Find out who removes pins below --bpf-root, or the cgroup.',
  },
  SHUNT_E_LOCKED: {
    status: 1,
    message: 'another agent works on the tables at {path}',
    help: 'Stop that agent first, or give this one a --bpf-root of its own.',
  },
  SHUNT_E_LAYOUT: {
    status: 1,
    message: 'table {table} has records of {have} bytes, this version writes {want}',
    help: 'Another version made it. `shunt unload` removes it; the next `shunt run` makes it anew.',
  },
  SHUNT_E_OBJECT: {
    status: 1,
    message: 'the BPF programs were built of other records than this agent writes (layout {layout})',
    help: 'Build both from one source: `make build`.',
  },
  SHUNT_E_NOT_BUILT: {
    status: 1,
    message: 'there is no {file} in {directory}',
    help: 'Run `make build`, or name the directory in SHUNT_BPF_DIR.',
  },
  SHUNT_E_INTERNAL: { status: 70, message: '{detail}', help: 'This is a bug in Shunt. Please report it with the log.' },
  SHUNT_E_SOURCE: {
    status: 1,
    message: 'Cannot read {path}: {reason}.',
    help: 'Check that the path exists and may be read. A running agent keeps what it has and tries again.',
  },
  SHUNT_E_SOURCE_WATCH: {
    status: 1,
    message: 'Cannot watch {path}: {reason}.',
    help: 'Changes are still found, by looking every {seconds} s. Raise fs.inotify.max_user_watches or max_user_instances.',
  },
  SHUNT_E_KUBECONFIG: {
    status: 2,
    message: 'kubeconfig {path}: {reason}',
    help: 'Correct it, or name another one with --kubeconfig and --context; `kubectl --kubeconfig {path} get services` tries it.',
  },
  SHUNT_E_CREDENTIALS: {
    status: 1,
    message: 'cannot read {path}: {reason}',
    help: 'The kubelet puts it into each Pod with automountServiceAccountToken. Outside of a Pod use --kubeconfig.',
  },
  SHUNT_E_API_UNREACHABLE: {
    status: 1,
    message: 'cannot read {resource} from {server}: {reason}',
    help: 'See that the API server is up and that this node reaches it. What was read stays in force, and it is tried again.',
  },
  SHUNT_E_API_TLS: {
    status: 1,
    message: 'cannot read {resource} from {server}: no trust between it and this agent: {reason}',
    help: 'See that the address is one that its certificate names, and that the CA (ca.crt of the service account, or of the kubeconfig) is the one that signed it.',
  },
  SHUNT_E_API_UNAUTHORIZED: {
    status: 1,
    message: 'cannot read {resource} from {server}: it does not know this agent: {reason}',
    help: 'The token is not valid, or no longer: see that the service account exists, or renew the credentials of the kubeconfig.',
  },
  SHUNT_E_API_FORBIDDEN: {
    status: 1,
    message: 'may not read {resource} from {server}: {reason}',
    help: 'Grant the verbs list and watch on {resource} in the API group "{group}" by a ClusterRole and its binding, as deploy/ does.',
  },
  SHUNT_E_API_NOT_FOUND: {
    status: 1,
    message: '{server} has no {resource}: {reason}',
    help: 'See that the address is that of a Kubernetes API server of version 1.21 or later.',
  },
  SHUNT_E_API_ANSWER: {
    status: 1,
    message: 'cannot read {resource} from {server}: {reason}',
    help: 'What was read stays in force, and it is tried again. The log of the API server may say more.',
  },
  SHUNT_E_NODE_UNKNOWN: {
    status: 1,
    message: 'the cluster at {server} has no Node {node}',
    help: 'Give the name of this node with --node-name or NODE_NAME (in a Pod: fieldRef spec.nodeName).',
  },
  SHUNT_E_KERNEL: {
    status: 1,
    message: '{call}: {errno}{detail}',
    help: 'Run `shunt doctor` as root: it says what this kernel and these rights allow.',
  },
  SHUNT_E_SHIM_ARGUMENT: {
    status: 70,
    message: '{call}: {argument} {problem}',
    help: 'This is a bug in Shunt. Please report it with the log.',
  },
  SHUNT_E_SHIM_LOAD: {
    status: 1,
    message: 'cannot load the native library: {detail}',
    help: 'Run `make build` in a checkout, see that libbpf1 is installed, or name the library in SHUNT_SHIM.',
  },
  SHUNT_E_SAME_NODE_TEST: {
    status: 1,
    message: 'whether this kernel can redirect connections of one node cannot be tested: {reason}',
    help: 'They go by TCP, as without it, until the agent is started again; `shunt doctor` says what this kernel and these rights allow.',
  },
  SHUNT_E_SAME_NODE_KERNEL: {
    status: 1,
    message: 'this kernel cannot redirect connections of one node as TCP would carry them: {checks}',
    help: 'They go by TCP, as without it. Use another kernel, or say --same-node=off.',
  },
  SHUNT_E_FIRST_RESPONSE: {
    status: 1,
    message: 'this kernel cannot measure first response times: {reason}',
    help: 'Everything else works as without. It needs Linux 5.12 with BTF.',
  },
  SHUNT_E_ROOT: {
    status: 1,
    message: '`shunt {verb}` needs root',
    help: 'It makes network namespaces and cgroups and loads BPF programs: run it as root.',
  },
  SHUNT_E_DEMO: {
    status: 1,
    message: 'the demo failed: {step}: {detail}',
    help: '`shunt doctor` says what this machine lacks, and `make build` makes what is not built.',
  },
} as const satisfies Record<string, { status: number; message: string; help: string }>;

export type ErrorCode = keyof typeof ERRORS;

export class ShuntError extends Error {
  readonly code: ErrorCode;
  readonly help: string;
  readonly status: number;

  constructor(code: ErrorCode, values: Readonly<Record<string, string | number>> = {}, options?: ErrorOptions) {
    const entry = ERRORS[code];
    super(fill(entry.message, values), options);
    this.name = 'ShuntError';
    this.code = code;
    this.help = fill(entry.help, values);
    this.status = entry.status;
  }
}

const fill = (template: string, values: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? `{${key}}`));
