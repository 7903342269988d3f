import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ShuntError } from '../../../src/errors.ts';
import { createLog, type LogOptions, logChange, logComplaints } from '../../../src/observe/log.ts';

const NO_WRITES = { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 };
const CHANGE = { ports: 2, writes: NO_WRITES, durationMs: 12.345, planMs: 1.04, applyMs: 0.96 };

const createTestLog = async (options: Partial<LogOptions> = {}) => {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = await createLog({
    level: 'info',
    format: 'json',
    terminal: false,
    colour: false,
    destination,
    ...options,
  });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
};

describe('logChange', () => {
  test('writes one line with counts and durations', async () => {
    const { log, parsed } = await createTestLog();
    logChange(log, { ...CHANGE, writes: { ...NO_WRITES, slots: 7, removed: 1 } });
    expect(parsed()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        msg: 'applied',
        ports: 2,
        backends: 0,
        services: 0,
        slots: 7,
        frontends: 0,
        removed: 1,
        durationMs: 12.3,
        planMs: 1,
        applyMs: 1,
      },
    ]);
  });

  test('says so when nothing had to be written', async () => {
    const { log, parsed } = await createTestLog();
    logChange(log, CHANGE);
    expect(parsed()).toMatchObject([{ msg: 'the kernel held everything already' }]);
  });
});

test('complaints are logged with their place, notes only at level debug', async () => {
  const { log, parsed } = await createTestLog();
  const about = { object: 'Service shop/cart', path: 'spec.ports[0].port', message: 'must be 1 to 65535' };
  logComplaints(log, [
    { ...about, severity: 'error', origin: { file: 'a.yaml', line: 7 } },
    { ...about, severity: 'warning', path: '' },
    { ...about, severity: 'note' },
  ]);
  expect(parsed()).toMatchObject([
    { level: 'error', object: about.object, path: about.path, file: 'a.yaml', line: 7, msg: about.message },
    { level: 'warn', object: about.object, msg: about.message },
  ]);
});

test('of an error only what was written for readers is logged', async () => {
  const { log, parsed } = await createTestLog();
  const cause = Object.assign(new Error('inner'), { config: { headers: { authorization: 'Bearer secret' } } });
  log.error({ err: Object.assign(new Error('outer', { cause }), { env: { TOKEN: 'secret' } }) }, 'failed');
  log.error({ err: new ShuntError('SHUNT_E_RUNNING', { socket: '/s' }, { cause }) }, 'failed');
  expect(parsed()).toMatchObject([
    { err: { message: 'outer', stack: expect.stringContaining('log.test.ts') } },
    {
      err: {
        code: 'SHUNT_E_RUNNING',
        message: 'an agent is running: it answers at /s',
        help: 'Stop that agent first.',
      },
    },
  ]);
  expect(JSON.stringify(parsed())).not.toContain('secret');
});

describe('the format', () => {
  test.each([
    { format: 'auto', terminal: false, json: true },
    { format: 'auto', terminal: true, json: false },
    { format: 'json', terminal: true, json: true },
    { format: 'text', terminal: false, json: false },
  ] as const)('$format with terminal: $terminal is JSON: $json', async ({ format, terminal, json }) => {
    const { log, lines } = await createTestLog({ format, terminal });
    log.info({ ports: 3 }, 'applied');
    await new Promise((resolve) => setImmediate(resolve));
    const text = lines.join('');
    expect(text.startsWith('{')).toBe(json);
    expect(text).toContain('applied');
    if (!json) expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: applied\n {4}ports: 3\n$/);
  });
});

test('silent writes nothing', async () => {
  const { log, lines } = await createTestLog({ level: 'silent' });
  log.error({}, 'failed');
  expect(lines).toEqual([]);
});
