import type { Container, PodSpec, Volume, VolumeMount } from '../helpers/manifests.ts';
import { runtimeDefault } from './seccomp.ts';

/** What the image says about its process. */
export interface Image {
  readonly rootfs: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: readonly string[];
}

/** What a kubelet and its container runtime know besides the Pod. */
export interface Host {
  /** By field path of the downward API. */
  readonly fields: Readonly<Record<string, string>>;
  /** Stand-ins for directories of a node, by their path there. A path without one is the machine's own. */
  readonly paths: Readonly<Record<string, string>>;
  /** Directories of volumes that are no host paths, by name. */
  readonly volumes: Readonly<Record<string, string>>;
  /** KUBERNETES_SERVICE_HOST and its like. */
  readonly serviceEnv: Readonly<Record<string, string>>;
  /** Where the token and ca.crt lie; undefined when the Pod mounts none. */
  readonly serviceAccount: string | undefined;
  readonly cgroupsPath: string;
}

/**
 * config.json of the OCI runtime specification for a container of a Pod in the network of its node, as containerd makes
 * it of the same fields: nothing of the security context is written down here. Limits of cgroups are left out: they are
 * no part of it, and a test machine may not be able to set them.
 */
export const runtimeSpec = (pod: PodSpec, container: Container, image: Image, host: Host): object => {
  const { securityContext: context } = container;
  const capabilities = (context.capabilities?.add ?? []).map((name) => `CAP_${name}`);
  if (!context.capabilities?.drop.includes('ALL')) throw new Error('only containers that drop ALL capabilities');
  const seccomp = context.seccompProfile ?? pod.securityContext.seccompProfile;
  const mounts = (container.volumeMounts ?? []).map((mount) => volumeMount(mount, pod.volumes, host));
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: context.runAsUser ?? 0, gid: context.runAsGroup ?? 0 },
      args: argumentsOf(container, image),
      env: environmentOf(container, image, host),
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: context.allowPrivilegeEscalation === false,
    },
    root: { path: image.rootfs, readonly: context.readOnlyRootFilesystem === true },
    mounts: [...SYSTEM_MOUNTS, ...serviceAccountMount(host), ...mounts],
    linux: {
      namespaces: [...(pod.hostPID === true ? [] : ['pid']), 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      cgroupsPath: host.cgroupsPath,
      ...(mounts.some(({ options }) => options.includes('rslave')) ? { rootfsPropagation: 'rslave' } : {}),
      ...(seccomp?.type === 'RuntimeDefault' ? { seccomp: runtimeDefault(capabilities) } : {}),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
};

/** `command` replaces both of the image's; `args` its command alone. */
const argumentsOf = ({ command, args }: Container, image: Image): readonly string[] =>
  command !== undefined ? [...command, ...(args ?? [])] : [...image.entrypoint, ...(args ?? image.command)];

const environmentOf = ({ env = [] }: Container, image: Image, host: Host): readonly string[] => {
  const variables = new Map(image.env.map((each) => each.split(/=(.*)/s).slice(0, 2) as [string, string]));
  for (const [name, value] of Object.entries(host.serviceEnv)) variables.set(name, value);
  for (const { name, value = '', valueFrom } of env) {
    const field = valueFrom === undefined ? undefined : host.fields[valueFrom.fieldRef.fieldPath];
    if (valueFrom !== undefined && field === undefined) throw new Error(`nobody knows ${valueFrom.fieldRef.fieldPath}`);
    const expanded = value.replaceAll(/\$\(([A-Za-z_]\w*)\)/g, (whole, other: string) => variables.get(other) ?? whole);
    variables.set(name, field ?? expanded);
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
};

const PROPAGATIONS: Readonly<Record<string, string>> = { HostToContainer: 'rslave', None: 'rprivate' };

const volumeMount = (mount: VolumeMount, volumes: readonly Volume[], host: Host) => {
  const volume = volumes.find(({ name }) => name === mount.name);
  if (volume === undefined) throw new Error(`there is no volume ${mount.name}`);
  const source =
    volume.hostPath === undefined
      ? host.volumes[volume.name]
      : (host.paths[volume.hostPath.path] ?? volume.hostPath.path);
  const propagation = PROPAGATIONS[mount.mountPropagation ?? 'None'];
  if (source === undefined || propagation === undefined) throw new Error(`cannot mount ${JSON.stringify(mount)}`);
  const options = ['rbind', propagation, mount.readOnly ? 'ro' : 'rw'];
  return { destination: mount.mountPath, type: 'bind', source, options };
};

const serviceAccountMount = ({ serviceAccount }: Host) =>
  serviceAccount === undefined
    ? []
    : [
        {
          destination: '/var/run/secrets/kubernetes.io/serviceaccount',
          type: 'bind',
          source: serviceAccount,
          options: ['rbind', 'rprivate', 'ro'],
        },
      ];

const NO_PROGRAMS = ['nosuid', 'noexec', 'nodev'];

const SYSTEM_MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc', options: NO_PROGRAMS },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...NO_PROGRAMS, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: NO_PROGRAMS },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...NO_PROGRAMS, 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...NO_PROGRAMS, 'relatime', 'ro'] },
];

const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
