import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Runs a program to its end, with `input` as its standard input, and returns what it printed. Fails with its stderr. */
export const run = async (command: string, args: readonly string[], input = ''): Promise<string> => {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends before it has read its input says why by its exit status, not by EPIPE.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [output, complaints, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit status ${status}: ${complaints.trim()}`);
  return output;
};
