/** Where cgroup v2 is mounted whole, from the text of /proc/self/mountinfo (proc_pid_mountinfo(5)): pure or hybrid. */
export const findCgroupRoot = (mountinfo: string): string | undefined => {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', type = ''] = line.split(' - ');
    const [, , , root, path] = mount.split(' ');
    if (type.startsWith('cgroup2 ') && root === '/' && path !== undefined) return unescapeMount(path);
  }
  return undefined;
};

/** Space, tab, line break and backslash stand in octal there. */
const unescapeMount = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
