import { describe, expect, test } from 'vitest';
import { withRights } from '../../../src/dataplane/kernel/rights.ts';
import { ShuntError } from '../../../src/errors.ts';

const failing = (error: Error) => (): never => {
  throw error;
};
const coded = (code: string): Error => Object.assign(new Error(`${code}: no`), { code });

describe('what the BPF file system does not allow', () => {
  test.each(['EACCES', 'EPERM'])('is said to lack rights, not to be a bug: %s', (reason) => {
    expect(() => withRights('/sys/fs/bpf/shunt', failing(coded(reason)))).toThrow(
      new ShuntError('SHUNT_E_RIGHTS', { path: '/sys/fs/bpf/shunt', reason }),
    );
  });

  test.each([coded('ENOENT'), new ShuntError('SHUNT_E_BPF_ROOT', { path: 'a', parent: 'b' }), new Error('none of it')])(
    'is told as it is otherwise: %s',
    (error) => {
      expect(() => withRights('/a', failing(error))).toThrow(error);
    },
  );

  test('and what is allowed is done', () => {
    expect(withRights('/a', () => 7)).toBe(7);
  });
});
