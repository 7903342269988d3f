import { expect, test } from 'vitest';
import { mountsLast } from '../../../src/dataplane/kernel/mount-namespace.ts';

const MACHINE = {
  '/proc/self/ns/pid': 'pid:[4026531836]',
  '/proc/self/ns/mnt': 'mnt:[4026531832]',
  '/proc/1/ns/mnt': 'mnt:[4026531832]',
};
const CLOSED = { '/proc/1/ns/mnt': undefined };
const OWN_MOUNTS = '22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n';
const COPIED_MOUNTS = '49 48 254:0 / / rw,relatime - ext4 /dev/vda rw\n51 49 0:21 / /proc rw - proc proc rw\n';

test.each([
  ['on the machine itself', true, {}],
  ['in a container', false, { '/proc/self/ns/pid': 'pid:[4026532900]' }],
  ['in a container with the processes of the machine', false, { '/proc/self/ns/mnt': 'mnt:[4026532901]' }],
  ['by who may not look at process 1', true, { ...CLOSED, '/proc/self/mountinfo': OWN_MOUNTS }],
  ['by who may not in a container', false, { ...CLOSED, '/proc/self/mountinfo': COPIED_MOUNTS }],
  ['by who may look at nothing', false, CLOSED],
])('what is mounted %s lasts: %s', (_, lasts, differences) => {
  const known: Readonly<Record<string, string | undefined>> = { ...MACHINE, ...differences };
  const look = (path: string) => known[path];
  expect(mountsLast({ link: look, file: look })).toBe(lasts);
});
