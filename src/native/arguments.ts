import { ShuntError } from '../errors.ts';
import type { Call } from './shim.ts';

/**
 * Checks before a call into C, where a wrong argument is a crash or worse. Each throws SHUNT_E_SHIM_ARGUMENT with the
 * names of the call and of the argument, and returns the value otherwise.
 */
export interface ArgumentChecks {
  integer(argument: string, value: number, min: number, max: number): number;
  /** Not longer than a path may be, and without the NUL at which C would cut it. */
  text(argument: string, value: string): string;
  /** Of exactly so many bytes when a length is given. */
  bytes(argument: string, value: Uint8Array, length?: number): Uint8Array;
  /** As C takes it: 1 or 0. */
  flag(argument: string, value: boolean): number;
  /** One of a table's names; returns what it stands for. */
  choice<Name extends string>(argument: string, value: Name, table: Readonly<Record<Name, number>>): number;
  refuse(argument: string, problem: string): never;
}

export const UINT32_MAX = 2 ** 32 - 1;
export const INT32_MAX = 2 ** 31 - 1;

/** PATH_MAX. */
const TEXT_BYTES_MAX = 4096;

export const argumentsOf = (call: Call): ArgumentChecks => {
  const refuse = (argument: string, problem: string): never => {
    throw new ShuntError('SHUNT_E_SHIM_ARGUMENT', { call, argument, problem });
  };

  const integer: ArgumentChecks['integer'] = (argument, value, min, max) => {
    const fits = Number.isSafeInteger(value) && value >= min && value <= max;
    return fits ? value : refuse(argument, `must be an integer from ${min} to ${max}, is ${show(value)}`);
  };

  const text: ArgumentChecks['text'] = (argument, value) => {
    if (typeof value !== 'string' || value === '') return refuse(argument, `must be a text, is ${show(value)}`);
    if (value.includes('\0')) return refuse(argument, 'contains a NUL');
    const length = Buffer.byteLength(value);
    return length < TEXT_BYTES_MAX
      ? value
      : refuse(argument, `has ${length} bytes, ${TEXT_BYTES_MAX - 1} are the limit`);
  };

  const bytes: ArgumentChecks['bytes'] = (argument, value, length) => {
    if (!(value instanceof Uint8Array)) return refuse(argument, `must be a Uint8Array, is ${show(value)}`);
    const fits = length === undefined ? value.length > 0 : value.length === length;
    return fits ? value : refuse(argument, `has ${value.length} bytes, must have ${length ?? 'some'}`);
  };

  const flag: ArgumentChecks['flag'] = (argument, value) =>
    typeof value === 'boolean' ? Number(value) : refuse(argument, `must be true or false, is ${show(value)}`);

  const choice: ArgumentChecks['choice'] = (argument, value, table) =>
    Object.hasOwn(table, value)
      ? table[value]
      : refuse(argument, `must be one of ${Object.keys(table).join(', ')}, is ${show(value)}`);

  return { integer, text, bytes, flag, choice, refuse };
};

/** A value of any type in a few characters: what was passed is wrong, so it can be anything. */
const show = (value: unknown): string => {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'undefined') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'null-prototype object'}` : `a ${typeof value}`;
};
