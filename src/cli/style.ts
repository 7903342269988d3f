import { styleText } from 'node:util';
import type { Environment, Output } from './context.ts';

export type Format = Parameters<typeof styleText>[0];

/** Colours text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string;

/** Colour only on a terminal, and never with NO_COLOR (https://no-color.org: any value but the empty one). */
export const styleFor = (output: Output, env: Environment): Style => {
  const coloured = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return coloured ? (format, text) => styleText(format, text, { validateStream: false }) : plain;
};

export const plain: Style = (_, text) => text;
