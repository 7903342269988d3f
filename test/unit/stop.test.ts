import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';

const MODULE = new URL('../../src/stop.ts', import.meta.url);

/** Says what asked it to stop, and does not. */
const PROGRAM = `
import { requestStop, stopRequested } from '${MODULE}';
setInterval(() => {}, 1000);
process.stdin.on('data', () => console.log(requestStop() ? 'asked' : 'nobody to ask'));
if (process.argv[1] === 'wait') stopRequested().then((signal) => console.log(signal));
console.log('up');
`;

const children: ReturnType<typeof start>[] = [];
afterEach(() => children.splice(0).forEach(({ child }) => void child.kill('SIGKILL')));

const start = (argument: string) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, argument], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  const said = async (): Promise<string> => String((await lines.next()).value).trim();
  return { child, said };
};

const running = async (argument: 'wait' | 'do not wait') => {
  const started = start(argument);
  children.push(started);
  expect(await started.said()).toBe('up');
  return started;
};

describe('a process that waits to be asked to stop', () => {
  test.each([
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGTERM'],
  ] as const)('hears the first signal, %s, and is ended by the second, %s', async (first, second) => {
    const { child, said } = await running('wait');
    child.kill(first);
    expect(await said()).toBe(first);
    child.kill(second);
    expect(await once(child, 'exit')).toEqual([null, second]);
  });

  test('can be asked from within, also when it was asked before, and is not ended by that', async () => {
    const { child, said } = await running('wait');
    child.kill('SIGINT');
    expect(await said()).toBe('SIGINT');
    child.stdin.write('x');
    expect(await said()).toBe('asked');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});

test('a process that does not wait for it cannot be asked to stop', async () => {
  const { child, said } = await running('do not wait');
  child.stdin.write('x');
  expect(await said()).toBe('nobody to ask');
});
