/** One line of `shunt doctor`. */
export interface Check {
  readonly name: string;
  /** warn: it runs, with less; fail: it does not run. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly detail: string;
  /** What to do; empty when nothing needs doing. */
  readonly advice: string;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, advice: '' });

export const warn = (name: string, detail: string, advice: string): Check => ({ name, status: 'warn', detail, advice });

export const fail = (name: string, detail: string, advice: string): Check => ({ name, status: 'fail', detail, advice });
