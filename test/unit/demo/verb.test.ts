import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Claim, DemoOptions, DemoReport, RunParts } from '../../../src/cli/parts.ts';
import { runDemo } from '../../../src/demo/story.ts';
import { ShuntError } from '../../../src/errors.ts';
import { shunt } from '../cli/harness.ts';

afterEach(() => vi.restoreAllMocks());

describe('shunt demo', () => {
  test('ends with 0 when every claim holds', async () => {
    const { status, stdout, stderr, asked } = await demo([], report([HOLDS]));
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(asked).toEqual([{ silent: false, keep: false, ui: false }]);
  });

  test('ends with 1 when a claim does not hold, and says which one, and what the agent said', async () => {
    const { status, stderr } = await demo([], report([HOLDS, FAILS]));
    expect(status).toBe(1);
    expect(stderr).toBe(
      'shunt: leave does not hold: An endpoint leaves\n  {"failed":3}\nthe agent said last:\nits last line\n',
    );
  });

  test('--keep asks for the node to stay', async () => {
    const { asked } = await demo(['--keep'], report([HOLDS]));
    expect(asked).toEqual([{ silent: false, keep: true, ui: false }]);
  });

  test('--ui asks for the live page', async () => {
    const { asked } = await demo(['--ui'], report([HOLDS]));
    expect(asked).toEqual([{ silent: false, keep: false, ui: true }]);
  });

  test('ends as a shell tells of the signal that interrupted it', async () => {
    const { status, stderr } = await demo([], { ...report([]), ok: false, interruptedBy: 'SIGTERM' });
    expect({ status, stderr }).toEqual({
      status: 143,
      stderr: 'shunt: interrupted by SIGTERM; everything was removed\n',
    });
  });
});

describe('shunt demo --check', () => {
  test('prints one line of JSON with each claim and its figure', async () => {
    const { status, stdout, asked } = await demo(['--check'], report([HOLDS, FAILS]));
    expect(status).toBe(1);
    expect(asked).toEqual([{ silent: true, keep: false, ui: false }]);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      claims: [
        { name: 'shares', claim: 'Shares are kept', holds: true, summary: '5', figure: { connections: 5 } },
        { name: 'leave', claim: 'An endpoint leaves', holds: false, summary: '3', figure: { failed: 3 } },
      ],
      node: { kernel: '6.18.0' },
      durationMs: 12,
    });
  });

  test('prints one line of JSON also when there is nothing to claim', async () => {
    const { status, stdout, stderr } = await demo(['--check'], new ShuntError('SHUNT_E_ROOT', { verb: 'demo' }));
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, claims: [], error: { code: 'SHUNT_E_ROOT' } });
    expect(stderr).toContain('`shunt demo` needs root');
  });

  test.each(['--keep', '--ui'])('does not go with %s', async (flag) => {
    const { status, asked } = await demo(['--check', flag], report([HOLDS]));
    expect({ status, asked }).toEqual({ status: 2, asked: [] });
  });
});

test('whoever is not root is told so before anything is made', async () => {
  vi.spyOn(process, 'geteuid').mockReturnValue(1000);
  const output = { write: () => {} };
  const stopped = new Promise<string>(() => {});
  const playing = runDemo({ output, env: {}, silent: true, keep: false, ui: false, stopped });
  await expect(playing).rejects.toMatchObject({ code: 'SHUNT_E_ROOT', status: 1 });
});

const HOLDS: Claim = {
  name: 'shares',
  claim: 'Shares are kept',
  holds: true,
  figure: { connections: 5 },
  summary: '5',
};
const FAILS: Claim = { name: 'leave', claim: 'An endpoint leaves', holds: false, figure: { failed: 3 }, summary: '3' };

const report = (claims: readonly Claim[]): DemoReport => ({
  ok: claims.every(({ holds }) => holds),
  claims,
  node: { kernel: '6.18.0' },
  durationMs: 12,
  agentLog: ['its last line'],
  interruptedBy: undefined,
});

const demo = async (argv: readonly string[], outcome: DemoReport | Error) => {
  const asked: Pick<DemoOptions, 'silent' | 'keep' | 'ui'>[] = [];
  const play = async ({ silent, keep, ui }: DemoOptions): Promise<DemoReport> => {
    asked.push({ silent, keep, ui });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const run = { stopRequested: () => new Promise<string>(() => {}) } as RunParts;
  return { ...(await shunt(['demo', ...argv], { parts: { demo: play, run } })), asked };
};
