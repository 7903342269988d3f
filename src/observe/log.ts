import { type DestinationStream, type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import type { Complaint } from '../core/model/objects.ts';
import { ShuntError } from '../errors.ts';
import type { ObservedChange } from './observed.ts';

export type Log = Logger;

/** The log of a running agent. */
export interface AgentLog extends Pick<Log, 'info' | 'warn' | 'error'> {
  change(change: ObservedChange): void;
  complaints(complaints: readonly Complaint[]): void;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'auto' | 'json' | 'text';
  /** Whether lines go to a terminal; what `auto` depends on. */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

export const createAgentLog = async (options: LogOptions): Promise<AgentLog> => {
  const log = await createLog(options);
  return {
    info: log.info.bind(log),
    warn: log.warn.bind(log),
    error: log.error.bind(log),
    change: (change) => logChange(log, change),
    complaints: (complaints) => logComplaints(log, complaints),
  };
};

/** JSON lines, or lines for people. The library that writes those is loaded only for them. */
export const createLog = async ({ level, format, terminal, colour, destination }: LogOptions): Promise<Log> => {
  const options = { ...OPTIONS, level };
  const readable = format === 'text' || (format === 'auto' && terminal);
  if (!readable) return destination === undefined ? pino(options) : pino(options, destination);
  const { build } = await import('pino-pretty');
  const pretty = build({
    colorize: colour,
    translateTime: 'SYS:HH:MM:ss.l',
    sync: true,
    ...(destination === undefined ? {} : { destination: destination as NodeJS.WritableStream }),
  });
  return pino(options, pretty);
};

/** One line for each change set that was applied. */
export const logChange = (log: Log, { ports, writes, durationMs, planMs, applyMs }: ObservedChange): void => {
  const written = Object.values(writes).some((count) => count > 0);
  const times = { durationMs: tenths(durationMs), planMs: tenths(planMs), applyMs: tenths(applyMs) };
  log.info({ ports, ...writes, ...times }, written ? 'applied' : 'the kernel held everything already');
};

/** One line for each; to be called with new ones only. */
export const logComplaints = (log: Log, complaints: readonly Complaint[]): void => {
  for (const complaint of complaints) logComplaint(log, complaint);
};

const LEVELS = { error: 'error', warning: 'warn', note: 'debug' } as const satisfies Record<
  Complaint['severity'],
  string
>;

const logComplaint = (log: Log, { severity, object, path, message, origin }: Complaint): void => {
  const where = { ...(path === '' ? {} : { path }), ...(origin === undefined ? {} : origin) };
  log[LEVELS[severity]]({ object, ...where }, message);
};

const OPTIONS: LoggerOptions = {
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: {
    // Errors can carry whole requests and environments: only what was written for readers is logged.
    err: (error: unknown) => describe(error),
  },
};

const describe = (error: unknown): Readonly<Record<string, string>> => {
  if (!(error instanceof Error)) return { message: String(error) };
  const { message, stack = '' } = error;
  if (!(error instanceof ShuntError)) return { message, stack };
  const { code, help, status } = error;
  return status === 70 ? { code, message, help, stack } : { code, message, help };
};

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
