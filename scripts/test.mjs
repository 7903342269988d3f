/**
 * Every check and every test, cheapest first. A stage runs all of its steps; a stage that failed ends the run. The last
 * line, also kept in build/reports/summary, is `N passed, N failed`: tests count one each, and so does each check. A
 * skipped test has failed. A signal ends the run with the step that runs and all that the step started; a second one
 * does not let them tidy up.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';

const REPORTS = 'build/reports';
const STEP_MINUTES_MAX = 18;

const main = async () => {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const results = [];
  for (const stage of stages) {
    for (const step of stage) {
      results.push(await report(step));
      if (interruptedBy !== undefined) return end(interruptedBy);
    }
    if (results.some(({ failed }) => failed > 0)) break;
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const summary = `${sum('passed')} passed, ${sum('failed')} failed`;
  writeFileSync(`${REPORTS}/summary`, `${summary}\n`);
  console.log(`\n${summary}`);
  process.exitCode = sum('failed') > 0 ? 1 : 0;
};

/** As a shell tells of a process that a signal ended. There is no summary: nothing can be said about the rest. */
const end = (signal) => {
  console.log(`\ninterrupted by ${signal}`);
  process.exitCode = 128 + constants.signals[signal];
};

const report = async ({ name, run }) => {
  console.log(`\n== ${name}`);
  const startMs = Date.now();
  const { passed, failed } = await run();
  console.log(`== ${name}: ${passed} passed, ${failed} failed, ${((Date.now() - startMs) / 1000).toFixed(1)} s`);
  return { passed, failed };
};

/** A command that succeeds or fails as a whole. */
const check = (name, ...command) => ({
  name,
  run: async () => verdict((await execute(command)).ok),
});

/** The tests of one vitest project. */
const vitest = (project) => ({
  name: `${project} tests`,
  run: async () => {
    const file = `${REPORTS}/${project}.json`;
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { ok } = await execute(['vitest', 'run', '--project', project, ...reporters]);
    return existsSync(file) ? countTests(JSON.parse(readFileSync(file, 'utf8')), ok) : verdict(false);
  },
});

/** What fails outside of any test, such as a file that does not load or an unhandled rejection, counts as one failure. */
const countTests = ({ numTotalTests, numPassedTests }, ok) => {
  const failed = numTotalTests - numPassedTests;
  return { passed: numPassedTests, failed: failed === 0 && !ok ? 1 : failed };
};

/** The C tests end with a line `N passed, N failed`. */
const native = {
  name: 'native library under sanitizers',
  run: async () => {
    const { ok, output } = await execute(['make', '-s', '-C', 'native', 'test']);
    const counts = output
      .match(/^(\d+) passed, (\d+) failed$/m)
      ?.slice(1)
      .map(Number);
    if (counts === undefined) return verdict(false);
    const [passed, failed] = counts;
    return { passed, failed: failed === 0 && !ok ? 1 : failed };
  },
};

const verdict = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });

/** Shows what the command prints as it comes, and keeps it. A command that takes too long is ended with all it started. */
const execute = ([command, ...args]) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    running = child;
    const timer = setTimeout(() => {
      console.log(`${command} ${args.join(' ')}: ended after ${STEP_MINUTES_MAX} minutes`);
      signalAll(child, 'SIGKILL');
    }, STEP_MINUTES_MAX * 60_000);
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      process.stdout.write(data);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      running = undefined;
      resolve({ ok: code === 0, output });
    });
  });

/** The child and all it started, but for what left its process group. */
const signalAll = (child, signal) => {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};

let running;
let interruptedBy;
for (const name of ['SIGINT', 'SIGTERM']) {
  process.on(name, () => {
    if (running !== undefined) signalAll(running, interruptedBy === undefined ? 'SIGTERM' : 'SIGKILL');
    interruptedBy ??= name;
  });
}

const stages = [
  [check('format and lint', 'make', 'lint'), check('types', 'make', 'types')],
  [check('build', 'make', 'build'), check('generated files', 'make', 'check-generated')],
  [vitest('unit'), vitest('property'), vitest('kubernetes'), vitest('deploy')],
  [native, vitest('native'), vitest('bpf'), vitest('netns')],
];

await main();
