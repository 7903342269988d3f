/**
 * Where the kubelet keeps the cgroups of Pods (pkg/kubelet/cm/cgroup_manager_linux.go, pod_container_manager_linux.go).
 * By `--cgroup-driver systemd` a name tells all of its way, and dashes of a uid are underscores:
 * `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1b_2c.slice`; by `cgroupfs` it is
 * `kubepods/burstable/pod1b-2c`. Guaranteed Pods lie in the first directory, and `--cgroup-root` comes before it all:
 * `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/…`, as in kind. Runtimes put their containers below.
 */
export interface PodsRoot {
  readonly path: string;
  readonly driver: 'systemd' | 'cgroupfs';
  /** Of a name of systemd: what its Pods' names begin with, such as `kubelet-kubepods`. */
  readonly prefix: string;
}

/** Undefined when a directory of this name holds no Pods. */
export const podsRootAt = (directory: string, name: string): PodsRoot | undefined => {
  const path = `${directory}/${name}`;
  if (name === 'kubepods') return { path, driver: 'cgroupfs', prefix: '' };
  const prefix = /^((?:[^-]+-)*kubepods)\.slice$/.exec(name)?.[1];
  return prefix === undefined ? undefined : { path, driver: 'systemd', prefix };
};

/** Whether Pods may be deeper down: a `--cgroup-root` is nearly always named after its kubelet. */
export const leadsToPods = (name: string): boolean => name.startsWith('kube');

/** Directories in which Pods' cgroups are made, whether they exist or not. */
export const podParents = ({ path, driver, prefix }: PodsRoot): readonly string[] => [
  path,
  ...CLASSES.map((quality) => (driver === 'systemd' ? `${path}/${prefix}-${quality}.slice` : `${path}/${quality}`)),
];

/** Where the cgroup of a Pod is, if it is there: in one of these. `uid` is `PodObject.cgroupUid`. */
export const podPathsBelow = (roots: readonly PodsRoot[], uid: string): readonly string[] =>
  isCgroupUid(uid) ? roots.flatMap((root) => podPaths(root, uid)) : [];

/** Of a uid that may go into paths. */
export const podPaths = (root: PodsRoot, uid: string): readonly string[] => {
  const [plain = '', ...classes] = podParents(root);
  if (root.driver === 'cgroupfs') return [plain, ...classes].map((parent) => `${parent}/pod${uid}`);
  const last = `pod${uid.replaceAll('-', '_')}.slice`;
  const ofClasses = CLASSES.map((quality, index) => `${classes[index]}/${root.prefix}-${quality}-${last}`);
  return [`${plain}/${root.prefix}-${last}`, ...ofClasses];
};

/** A uid goes into paths: nothing else may. A static Pod's is a hash. */
const isCgroupUid = (uid: string): boolean => /^[0-9A-Za-z-]{1,64}$/.test(uid);

/** Of service; the third, guaranteed, has no directory of its own. */
const CLASSES = ['burstable', 'besteffort'] as const;
