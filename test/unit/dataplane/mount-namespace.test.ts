import { expect, test } from 'vitest';
import { mountsLast } from '../../../src/dataplane/kernel/mount-namespace.ts';

const MACHINE = {
  '/proc/self/ns/pid': 'pid:[4026531836]',
  '/proc/self/ns/mnt': 'mnt:[4026531832]',
  '/proc/1/ns/mnt': 'mnt:[4026531832]',
};

test.each([
  ['on the machine itself', true, {}],
  ['in a container', false, { '/proc/self/ns/pid': 'pid:[4026532900]' }],
  ['in a container with the processes of the machine', false, { '/proc/self/ns/mnt': 'mnt:[4026532901]' }],
  ['in one that may not look at process 1', false, { '/proc/1/ns/mnt': undefined }],
])('what is mounted %s lasts: %s', (_, lasts, differences) => {
  const links: Readonly<Record<string, string | undefined>> = { ...MACHINE, ...differences };
  expect(mountsLast((path) => links[path])).toBe(lasts);
});
