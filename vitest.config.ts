import { defineConfig } from 'vitest/config';

/** Leads the order of test files and the random values of fast-check. Vitest prints it; SEED=number repeats a run. */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
process.env.SEED = String(seed);

const project = (name: string, test: object) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], setupFiles: ['test/helpers/seeded.ts'], ...test },
});

/** These change the kernel's state: one file at a time, and a failure rather than a skip without root. */
const rootProject = (name: string, globalSetup: readonly string[] = []) =>
  project(name, {
    globalSetup: ['test/helpers/require-root.ts', ...globalSetup],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  });

export default defineConfig({
  test: {
    allowOnly: !process.env.CI,
    sequence: { seed, shuffle: { files: true } },
    projects: [
      project('unit', {}),
      project('property', { testTimeout: 120_000 }),
      project('deploy', { globalSetup: ['test/helpers/cluster-tools.ts'], testTimeout: 30_000 }),
      project('kubernetes', { testTimeout: 60_000 }),
      // Not part of `make test`: it needs a real API server, which takes ten minutes to build.
      project('apiserver', { fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 }),
      rootProject('native'),
      rootProject('bpf'),
      rootProject('netns'),
      rootProject('deployed', ['test/helpers/cluster-tools.ts']),
    ],
  },
});
