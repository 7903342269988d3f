import { describe, expect, test } from 'vitest';
import type { PodsTree } from '../../../src/agent/pod-cgroups.ts';
import type { Check } from '../../../src/cli/doctor/check.ts';
import { examine } from '../../../src/cli/doctor/examine.ts';
import type { Host } from '../../../src/cli/doctor/host.ts';
import { ShuntError } from '../../../src/errors.ts';
import { shunt } from './harness.ts';

const ALL_CAPABILITIES = '000001ffffffffff';

const mount = (path: string, type: string): string => `41 31 0:38 / ${path} rw shared:9 - ${type} none rw\n`;

const FILES: Readonly<Record<string, string>> = {
  '/proc/self/status': `Name:\tnode\nCapEff:\t${ALL_CAPABILITIES}\n`,
  '/proc/sys/kernel/osrelease': '6.12.0\n',
  '/sys/kernel/btf/vmlinux': '',
  '/proc/sys/net/core/bpf_jit_enable': '1\n',
  '/sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
  '/proc/self/limits': 'Max locked memory         8388608              8388608              bytes\n',
  '/proc/self/mountinfo': mount('/', 'ext4') + mount('/sys/fs/cgroup', 'cgroup2') + mount('/sys/fs/bpf', 'bpf'),
  '/sys/fs/cgroup': '',
  '/var/run/netns': '',
  '/sys/fs/cgroup/cgroup.controllers': 'cpu\n',
};

const PODS: PodsTree = {
  roots: [{ path: '/sys/fs/cgroup/kubepods.slice', driver: 'systemd', prefix: 'kubepods' }],
  cut: false,
};
const NO_PODS: PodsTree = { roots: [], cut: false };

const FEATURES = { setRetval: true, atomics: true, socketEnding: 'bpf', firstResponse: true } as const;

interface Differences extends Partial<Host> {
  readonly files?: Readonly<Record<string, string | undefined>>;
}

/** A machine on which all is well, but for the differences. */
const fakeHost = ({ files = {}, ...parts }: Differences = {}): Host => {
  const all: Readonly<Record<string, string | undefined>> = { ...FILES, ...files };
  return {
    read: (path) => all[path],
    exists: (path) => all[path] !== undefined,
    inode: () => 1,
    podsTree: () => PODS,
    cgroupLevel: async () => 0,
    link: () => 'cgroup:[4026531835]',
    processes: () => ['systemd'],
    features: async () => FEATURES,
    selfTest: async () => [{ name: 'joins-ipv4', failure: undefined }],
    attached: async () => [],
    ...parts,
  };
};

const examineHost = (differences: Differences, cgroup = ''): Promise<readonly Check[]> =>
  examine({ host: fakeHost(differences), cgroup, bpfRoot: '/sys/fs/bpf/shunt', netns: '/var/run/netns' });

const own = (hook: string, id: number) => ({ hook, id, name: `shunt_${hook}`, own: true });

const foreign = (name: string) => async () => [
  { hook: 'connect4', id: 7, name, own: false },
  { hook: 'connect4', id: 8, name: 'shunt_connect4', own: true },
];

describe('a check', () => {
  test('of a machine on which all is well is ok, each one', async () => {
    const checks = await examineHost({});
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(checks.length).toBeGreaterThan(12);
  });

  test.each<{ title: string; differences: Differences; name: string; status: string; says: RegExp; cgroup?: string }>([
    {
      title: 'missing privileges',
      differences: { files: { '/proc/self/status': 'CapEff:\t0000000000000000\n' } },
      name: 'privileges',
      status: 'fail',
      says: /CAP_SYS_ADMIN missing.*Run as root/,
    },
    {
      title: 'that CAP_SYS_ADMIN and CAP_NET_ADMIN are enough',
      differences: { files: { '/proc/self/status': 'CapEff:\t0000000000201000\n' } },
      name: 'privileges',
      status: 'ok',
      says: /may load/,
    },
    {
      title: 'that some kernels want CAP_NET_ADMIN to end sockets',
      differences: { files: { '/proc/self/status': 'CapEff:\t0000000000200000\n' } },
      name: 'privileges',
      status: 'warn',
      says: /^CAP_NET_ADMIN missing: on kernels before 6\.5/,
    },
    {
      title: 'that CAP_BPF and CAP_PERFMON would do for a first start only',
      differences: { files: { '/proc/self/status': 'CapEff:\t000000c000001000\n' } },
      name: 'privileges',
      status: 'fail',
      says: /^CAP_SYS_ADMIN missing/,
    },
    {
      title: 'a kernel without BTF',
      differences: { files: { '/sys/kernel/btf/vmlinux': undefined } },
      name: 'btf',
      status: 'fail',
      says: /no BTF.*CONFIG_DEBUG_INFO_BTF/,
    },
    {
      title: 'an interpreter',
      differences: { files: { '/proc/sys/net/core/bpf_jit_enable': '0\n' } },
      name: 'jit',
      status: 'warn',
      says: /sysctl -w net\.core\.bpf_jit_enable=1/,
    },
    {
      title: 'lockdown',
      differences: { files: { '/sys/kernel/security/lockdown': 'none integrity [confidentiality]\n' } },
      name: 'lockdown',
      status: 'warn',
      says: /confidentiality/,
    },
    {
      title: 'a limit that cannot be raised',
      differences: {
        files: {
          '/proc/sys/kernel/osrelease': '5.10.0-33-amd64\n',
          '/proc/self/status': 'CapEff:\t0000008000001000\n',
        },
      },
      name: 'memlock',
      status: 'warn',
      says: /8388608 bytes.*ulimit -l/,
    },
    {
      title: 'no limit, on any kernel',
      differences: {
        files: { '/proc/self/limits': 'Max locked memory         unlimited            unlimited            bytes\n' },
      },
      name: 'memlock',
      status: 'ok',
      says: /unlimited/,
    },
    {
      title: 'no cgroup v2',
      differences: { files: { '/proc/self/mountinfo': '' } },
      name: 'cgroup',
      status: 'fail',
      says: /mount -t cgroup2/,
    },
    {
      title: 'a --cgroup that is missing',
      differences: {},
      cgroup: '/sys/fs/cgroup/mine',
      name: 'cgroup',
      status: 'fail',
      says: /^\/sys\/fs\/cgroup\/mine does not exist.*mkdir \/sys\/fs\/cgroup\/mine/,
    },
    {
      title: 'no other programs at a --cgroup that is missing',
      differences: { attached: () => Promise.reject(new Error('listed')) },
      cgroup: '/sys/fs/cgroup/mine',
      name: 'other programs',
      status: 'ok',
      says: /there is no such cgroup/,
    },
    {
      title: 'a --cgroup that is none',
      differences: { files: { '/tmp': '' } },
      cgroup: '/tmp',
      name: 'cgroup',
      status: 'fail',
      says: /^\/tmp is no directory of cgroup v2/,
    },
    {
      title: 'that the root of cgroup v2 is that of a container',
      differences: { inode: () => 4711 },
      name: 'cgroup',
      status: 'fail',
      says: /^\/sys\/fs\/cgroup is the root of a cgroup namespace only.*give that path by --cgroup/,
    },
    {
      title: 'that a --cgroup may be any part',
      differences: { inode: () => 4711 },
      cgroup: '/sys/fs/cgroup',
      name: 'cgroup',
      status: 'ok',
      says: /cgroup v2 at/,
    },
    {
      title: 'a container',
      differences: { link: () => 'cgroup:[4026532222]' },
      name: 'cgroup namespace',
      status: 'warn',
      says: /give it by --cgroup/,
    },
    {
      title: 'a container that was given the root of the machine',
      differences: { link: () => 'cgroup:[4026532222]' },
      cgroup: '/sys/fs/cgroup',
      name: 'cgroup namespace',
      status: 'ok',
      says: /is the root of the machine/,
    },
    {
      title: 'a container that was given another part of its cgroups',
      differences: { link: () => 'cgroup:[4026532222]', inode: () => 4711 },
      cgroup: '/sys/fs/cgroup',
      name: 'cgroup namespace',
      status: 'warn',
      says: /give it by --cgroup/,
    },
    {
      title: 'the Pods of a node',
      differences: {},
      name: 'client pods',
      status: 'ok',
      says: /^told apart by their cgroups in \/sys\/fs\/cgroup\/kubepods\.slice/,
    },
    {
      title: 'that Pods are nowhere, where a kubelet runs',
      differences: { podsTree: () => NO_PODS, processes: () => ['systemd', 'kubelet'] },
      name: 'client pods',
      status: 'warn',
      says: /^there are no Pods below \/sys\/fs\/cgroup: .* bind nobody here .*--cgroup-root/,
    },
    {
      title: 'that Pods are nowhere, seen from a Pod, among very many cgroups',
      differences: {
        podsTree: () => ({ roots: [], cut: true }),
        files: { '/var/run/secrets/kubernetes.io/serviceaccount': '' },
      },
      name: 'client pods',
      status: 'warn',
      says: /^no Pods are found below/,
    },
    {
      title: 'that Pods are in cgroup v1, on a hybrid node',
      differences: {
        podsTree: () => NO_PODS,
        processes: () => ['k3s-server'],
        files: { '/proc/self/mountinfo': mount('/sys/fs/cgroup/cpu', 'cgroup') + mount('/sys/fs/cgroup', 'cgroup2') },
      },
      name: 'client pods',
      status: 'warn',
      says: /systemd\.unified_cgroup_hierarchy=1/,
    },
    {
      title: 'that no kubelet is there, and so no Pods',
      differences: { podsTree: () => NO_PODS },
      name: 'client pods',
      status: 'ok',
      says: /no kubelet/,
    },
    {
      title: 'a cgroup that lies nobody knows how deep',
      differences: { cgroupLevel: async () => undefined },
      name: 'client pods',
      status: 'warn',
      says: /nobody says how deep \/sys\/fs\/cgroup lies.*bind nobody.*Run below/,
    },
    {
      title: 'no Pods at a --cgroup that is missing',
      differences: { podsTree: () => NO_PODS },
      cgroup: '/sys/fs/cgroup/mine',
      name: 'client pods',
      status: 'ok',
      says: /no such cgroup/,
    },
    {
      title: 'a directory that is no BPF file system',
      differences: {
        files: {
          '/proc/self/mountinfo':
            mount('/sys/fs/cgroup', 'cgroup2') + mount('/sys/fs/bpfother', 'bpf') + mount('/sys', 'sysfs'),
        },
      },
      name: 'bpffs',
      status: 'warn',
      says: /mount -t bpf bpf/,
    },
    {
      title: 'a BPF file system that another one covers',
      differences: { files: { '/proc/self/mountinfo': mount('/sys/fs/bpf', 'bpf') + mount('/sys/fs/bpf', 'tmpfs') } },
      name: 'bpffs',
      status: 'warn',
      says: /does not lie/,
    },
    {
      title: 'that connections may go socket to socket',
      differences: {},
      name: 'same node',
      status: 'ok',
      says: /socket to socket: 1 tests passed/,
    },
    {
      title: 'which tests of joined sockets fail',
      differences: {
        selfTest: async () => [
          { name: 'joins-ipv4', failure: undefined },
          { name: 'half-close', failure: 'data is lost' },
          { name: 'order', failure: 'byte 7' },
        ],
      },
      name: 'same node',
      status: 'warn',
      says: /not as TCP here, says half-close: data is lost; order: byte 7 Nothing need be done/,
    },
    {
      title: 'that joined sockets cannot be tested',
      differences: {
        selfTest: async () => {
          throw new ShuntError('SHUNT_E_SAME_NODE_TEST', { reason: 'EPERM' });
        },
      },
      name: 'same node',
      status: 'warn',
      says: /EPERM/,
    },
    {
      title: 'no joined sockets at a --cgroup that is missing',
      differences: { selfTest: () => Promise.reject(new Error('must not be asked')) },
      cgroup: '/sys/fs/cgroup/mine',
      name: 'same node',
      status: 'ok',
      says: /no such cgroup/,
    },
    {
      title: 'kube-proxy, which is fine',
      differences: { processes: () => ['kube-proxy'] },
      name: 'kube-proxy',
      status: 'ok',
      says: /runs, which is fine/,
    },
    {
      title: 'programs of others, which go on',
      differences: { attached: foreign('audit') },
      name: 'other programs',
      status: 'ok',
      says: /^connect4: audit \(id 7\); they go on/,
    },
    {
      title: 'Cilium at the same hooks',
      differences: { attached: foreign('cil_sock4_connect') },
      name: 'other programs',
      status: 'warn',
      says: /Cilium.*--service-proxy-name/,
    },
    {
      title: 'programs of one agent',
      differences: { attached: async () => [own('connect4', 7), own('connect6', 8)] },
      name: 'other programs',
      status: 'ok',
      says: /^none at the hooks of Shunt/,
    },
    {
      title: 'programs of two agents',
      differences: { attached: async () => [own('connect4', 7), own('connect6', 8), own('connect4', 9)] },
      name: 'other programs',
      status: 'warn',
      says: /^connect4: shunt_connect4 \(id 7\), connect4: shunt_connect4 \(id 9\): those of two agents.*--bpf-root/,
    },
    {
      title: 'programs that may not be listed',
      differences: {
        attached: async () => {
          throw new ShuntError('SHUNT_E_READ', { path: 'x', reason: 'EPERM' });
        },
      },
      name: 'other programs',
      status: 'warn',
      says: /could not be listed: x: EPERM/,
    },
    {
      title: 'a kernel without bpf_set_retval',
      differences: { features: async () => ({ ...FEATURES, setRetval: false }) },
      name: 'bpf_set_retval',
      status: 'warn',
      says: /left to kube-proxy/,
    },
    {
      title: 'a kernel without compare-and-swap',
      differences: { features: async () => ({ ...FEATURES, atomics: false }) },
      name: 'atomics',
      status: 'warn',
      says: /counts may be off/,
    },
    {
      title: 'a kernel that ends sockets by netlink',
      differences: { features: async () => ({ ...FEATURES, socketEnding: 'netlink' }) },
      name: 'UDP sockets',
      status: 'ok',
      says: /^SOCK_DESTROY wakes/,
    },
    {
      title: 'a kernel that ends no socket',
      differences: { features: async () => ({ ...FEATURES, socketEnding: 'none' }) },
      name: 'UDP sockets',
      status: 'warn',
      says: /keep an endpoint that is gone.*CONFIG_INET_DIAG_DESTROY/,
    },
    {
      title: 'a kernel that cannot time first responses',
      differences: { features: async () => ({ ...FEATURES, firstResponse: false }) },
      name: 'first responses',
      status: 'warn',
      says: /cannot be measured; nothing else is lost.*5\.12/,
    },
    {
      title: 'no directory of network namespaces',
      differences: { files: { '/var/run/netns': undefined } },
      name: 'namespaces',
      status: 'warn',
      says: /namespace of the agent only.*--netns/,
    },
    {
      title: 'a kernel that takes no program',
      differences: {
        features: async () => {
          throw new ShuntError('SHUNT_E_READ', { path: 'x', reason: 'rejected' });
        },
      },
      name: 'programs',
      status: 'fail',
      says: /rejected/,
    },
  ])('finds $title', async ({ differences, cgroup, name, status, says }) => {
    const check = (await examineHost(differences, cgroup)).find((candidate) => candidate.name === name);
    expect(check).toMatchObject({ status });
    expect(`${check?.detail} ${check?.advice}`).toMatch(says);
  });
});

describe('shunt doctor', () => {
  test('prints a line for each check and what to do below it', async () => {
    const host = async () => fakeHost({ files: { '/proc/sys/net/core/bpf_jit_enable': '0\n' } });
    const { status, stdout } = await shunt(['doctor'], { parts: { host } });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok {4}privileges {8}may load programs, attach them and end sockets$/m);
    expect(stdout).toMatch(/^warn {2}jit {15}programs are interpreted: slower\n {24}Run `sysctl/m);
  });

  test('keeps what a kernel says in several lines in its column', async () => {
    const features = async () => {
      throw new ShuntError('SHUNT_E_LOAD', { reason: 'libbpf: no\nload: EPERM' });
    };
    const { stdout } = await shunt(['doctor'], { parts: { host: async () => fakeHost({ features }) } });
    expect(stdout).toMatch(
      /^fail {2}programs {10}this kernel .*: libbpf: no\n {24}load: EPERM\n {24}Shunt needs .* say\.$/m,
    );
  });

  test('fails when something keeps Shunt from running', async () => {
    const host = async () => fakeHost({ files: { '/proc/self/mountinfo': '' } });
    const { status, stdout } = await shunt(['doctor', '-o', 'json'], { parts: { host } });
    expect(status).toBe(1);
    expect(JSON.parse(stdout).checks).toContainEqual(expect.objectContaining({ name: 'cgroup', status: 'fail' }));
  });

  test('looks at the cgroup and the directory that it is given', async () => {
    const host = async () => fakeHost({ files: { '/mine': '', '/mine/cgroup.controllers': '' } });
    const { stdout } = await shunt(['doctor', '--cgroup', '/mine', '--bpf-root', '/other'], { parts: { host } });
    expect(stdout).toContain('cgroup v2 at /mine');
    expect(stdout).toContain('/other does not lie in a BPF file system');
  });
});
