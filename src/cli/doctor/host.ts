import type { PodsTree } from '../../agent/pod-cgroups.ts';

/** What checks look at. Reading is all they do; only `features` and `selfTest` ask the kernel to load something. */
export interface Host {
  /** Text of a small file; undefined when there is none or it may not be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** Number of a file or directory. */
  inode(path: string): number | undefined;
  /** Where Pods are kept below a cgroup. */
  podsTree(cgroup: string): PodsTree;
  /** Target of a symbolic link. */
  link(path: string): string | undefined;
  /** Names of the processes that can be seen. */
  processes(): readonly string[];
  /** Loads the programs and lets go of them again. Throws ShuntError when the kernel takes no variant of them. */
  features(): Promise<KernelFeatures>;
  /** Whether joined sockets behave as TCP here; `failure` of what does not. Throws ShuntError when it cannot be tried. */
  selfTest(cgroup: string): Promise<readonly { readonly name: string; readonly failure: string | undefined }[]>;
  /** How deep a cgroup lies below the root of cgroup v2; undefined where nobody can tell. */
  cgroupLevel(cgroup: string): Promise<number | undefined>;
  /** Programs attached to a cgroup at hooks that Shunt uses, in the order in which they run. */
  attached(cgroup: string): Promise<readonly AttachedProgram[]>;
}

/** What kernels differ in. */
export interface KernelFeatures {
  readonly setRetval: boolean;
  readonly atomics: boolean;
  /** How connected UDP sockets can be ended. */
  readonly socketEnding: 'bpf' | 'netlink' | 'none';
  /** First response times can be measured. */
  readonly firstResponse: boolean;
}

export interface AttachedProgram {
  /** Such as `connect4`. */
  readonly hook: string;
  readonly id: number;
  /** As the kernel keeps it: at most 15 characters; may be empty. */
  readonly name: string;
  /** Loaded by Shunt. */
  readonly own: boolean;
}

/** What the user asks about. */
export interface Target {
  readonly host: Host;
  /** Empty: the root of cgroup v2. */
  readonly cgroup: string;
  readonly bpfRoot: string;
  readonly netns: string;
}
