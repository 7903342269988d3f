import { execFile } from 'node:child_process';
import { ShuntError } from '../errors.ts';

const TIMEOUT_MS = 20_000;

/** Runs a command to its end with `input` on its standard input; `step` names it in the error. Returns its output. */
export const runCommand = (step: string, command: string, args: readonly string[], input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new ShuntError('SHUNT_E_NODE', { step, detail: stderr.trim() || error.message }, { cause: error }));
    });
    // A command that ends without reading its input has an exit status that says more than this EPIPE.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
