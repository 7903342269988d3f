import { measureCanary } from './canary.ts';
import { measureDisruption } from './disruption.ts';
import { machineFacts } from './machine.ts';
import { type Options, say } from './options.ts';
import { measurePicks } from './picks.ts';
import type {
  CanaryResult,
  CanarySettings,
  DisruptionResult,
  PickFigures,
  PicksResult,
  SlowBackendResult,
  SlowStartResult,
} from './results.ts';
import { measureSlowBackend } from './slow-backend.ts';
import { measureSlowStart } from './slow-start.ts';

/** Benchmarks of how traffic is shared. */

export const runPicks = async ({ rounds, seed }: Options, signal: AbortSignal): Promise<PicksResult> => {
  const settings = { seed, rounds, connectsPerRound: 1000, services: 10, held: 320 };
  const measurements: { endpointsPerService: number; algorithms: readonly PickFigures[] }[] = [];
  for (const endpointsPerService of [10, 32]) {
    say(`picks: of ${endpointsPerService} backends`);
    const algorithms = await measurePicks(settings, endpointsPerService, signal);
    measurements.push({ endpointsPerService, algorithms });
  }
  return { bench: 'picks', machine: await machineFacts(), settings, measurements };
};

export const runSlowBackend = async ({ seed }: Options, signal: AbortSignal): Promise<SlowBackendResult> => {
  const settings = {
    seed,
    rounds: 15,
    roundMs: 3000,
    backends: 10,
    workers: 1,
    serviceUs: 2000,
    slowUs: 20_000,
    clients: 40,
  };
  say(`slow-backend: ${settings.clients} clients, ${settings.backends} backends`);
  const algorithms = await measureSlowBackend(settings, signal);
  return { bench: 'slow-backend', machine: await machineFacts(), settings, algorithms };
};

export const runDisruption = async ({ seed }: Options, signal: AbortSignal): Promise<DisruptionResult> => {
  const settings = { seed, backends: 100, removals: 100, clients: 5000 };
  say(`disruption: ${settings.removals} removals`);
  const measured = await measureDisruption(settings, signal);
  return { bench: 'disruption', machine: await machineFacts(), settings, ...measured };
};

export const runCanary = async ({ seed }: Options, signal: AbortSignal): Promise<CanaryResult> => {
  const settings: CanarySettings = { seed, edits: 1000, requests: 500, clients: 8 };
  say(`canary: ${settings.edits} edits`);
  const measured = await measureCanary(settings, signal);
  return { bench: 'canary', machine: await machineFacts(), settings, ...measured };
};

export const runSlowStart = async (_: Options, signal: AbortSignal): Promise<SlowStartResult> => {
  const settings = { durationMs: 60_000, backends: 4, requests: 40_000, clients: 8 };
  say(`slow-start: ${settings.durationMs / 1000} s`);
  const windows = await measureSlowStart(settings, signal);
  return { bench: 'slow-start', machine: await machineFacts(), settings, windows };
};
