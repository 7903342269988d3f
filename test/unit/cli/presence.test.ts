import { describe, expect, test } from 'vitest';
import type { Host } from '../../../src/cli/doctor/host.ts';
import { shunt } from './harness.ts';

describe('shunt explain without an agent', () => {
  const MOUNTED = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';
  const own = { hook: 'connect4', id: 1, name: 'shunt_connect4', own: true } as const;
  const denied = () => Promise.reject(new Error('EACCES'));

  interface Node {
    readonly roots?: () => Promise<readonly string[]>;
    readonly attached?: Host['attached'];
    readonly mounts?: string;
    /** Of the root of cgroup v2; of the machine's it is 1. */
    readonly inode?: number;
  }

  test.each<{ node: string; seen: Node; says: string }>([
    { node: 'where it is pinned', seen: { roots: async () => ['/sys/fs/bpf/shunt'] }, says: 'NO_AGENT' },
    { node: 'where it is pinned elsewhere, and attached', seen: { attached: async () => [own] }, says: 'NO_AGENT' },
    {
      node: 'where only others are attached',
      seen: { attached: async () => [{ ...own, own: false }] },
      says: 'DETACHED_NODE and nothing of Shunt is found in or at /sys/fs/bpf, cgroup /sys/fs/cgroup',
    },
    {
      node: 'of which the user may see nothing',
      seen: { roots: denied, attached: denied },
      says: 'UNSEEN_NODE cannot be told: /sys/fs/bpf: EACCES; cgroup /sys/fs/cgroup: EACCES',
    },
    {
      node: 'of which the user may see that it is pinned',
      seen: { roots: async () => ['/a'], attached: denied },
      says: 'NO_AGENT',
    },
    {
      node: 'that is seen from a container',
      seen: { inode: 4711 },
      says: 'UNSEEN_NODE cannot be told: /sys/fs/cgroup is the root of a cgroup namespace alone, as in a container',
    },
    {
      node: 'without cgroup v2',
      seen: { mounts: '' },
      says: 'UNSEEN_NODE cannot be told: no cgroup v2 is mounted here',
    },
  ])('on a node $node says $says', async ({ seen, says }) => {
    const { roots = async () => [], attached = async () => [], mounts = MOUNTED, inode = 1 } = seen;
    const host = { attached, read: () => mounts, inode: () => inode } as unknown as Host;
    const argv = ['explain', '--socket', '/run/shunt/none.sock', '10.96.0.1:80', '-o', 'json'];
    const { status, stdout, stderr } = await shunt(argv, { parts: { loadedRoots: roots, host: async () => host } });
    const [code, ...words] = says.split(' ');
    const { error } = JSON.parse(stderr);
    expect({ status, stdout, code: error.code }).toEqual({ status: 1, stdout: '', code: `SHUNT_E_${code}` });
    expect(error.message).toContain(words.join(' '));
  });
});
