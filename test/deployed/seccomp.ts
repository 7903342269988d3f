import { readFileSync } from 'node:fs';

/**
 * What `RuntimeDefault` means to CRI-O: the profile of containers/common, which Debian ships. Docker's and containerd's
 * come from the same list. All three allow bpf(2), perf_event_open(2) and setns(2) with CAP_SYS_ADMIN.
 */
const PROFILE = '/usr/share/containers/seccomp.json';

interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly syscalls: readonly Rule[];
}

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args: readonly object[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

/** The profile as the OCI runtime takes it: with the rules that hold for these capabilities on this processor. */
export const runtimeDefault = (capabilities: readonly string[]): object => {
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as Profile;
  const { native, short } = ARCHITECTURES[process.arch as keyof typeof ARCHITECTURES];
  const sub = profile.archMap.find(({ architecture }) => architecture === native)?.subArchitectures ?? [];
  const holds = (
    { caps = [], arches = [] }: Condition,
    met: (list: readonly string[], have: readonly string[]) => boolean,
  ) => met(caps, capabilities) && met(arches, [short]);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: [native, ...sub],
    syscalls: profile.syscalls
      .filter(({ includes = {}, excludes = {} }) => holds(includes, includesAll) && holds(excludes, excludesAll))
      .map(({ names, action, errnoRet, args }) => ({
        names,
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args === null || args.length === 0 ? {} : { args }),
      })),
  };
};

const ARCHITECTURES = {
  x64: { native: 'SCMP_ARCH_X86_64', short: 'amd64' },
  arm64: { native: 'SCMP_ARCH_AARCH64', short: 'arm64' },
} as const;

const includesAll = (wanted: readonly string[], have: readonly string[]): boolean =>
  wanted.length === 0 || wanted.some((each) => have.includes(each));

const excludesAll = (unwanted: readonly string[], have: readonly string[]): boolean =>
  !unwanted.some((each) => have.includes(each));
