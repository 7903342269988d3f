/** Every error a user can meet: its code, what it says, what to do, and the exit status. docs/errors.md is made from it. */
export const ERRORS = {
  SHUNT_E_USAGE: { status: 2, message: '{detail}', help: 'See `shunt --help`.' },
  SHUNT_E_INTERNAL: { status: 70, message: '{detail}', help: 'This is a bug in Shunt. Please report it with the log.' },
} as const satisfies Record<string, { status: number; message: string; help: string }>;

export type ErrorCode = keyof typeof ERRORS;

export class ShuntError extends Error {
  readonly code: ErrorCode;
  readonly help: string;
  readonly status: number;

  constructor(code: ErrorCode, values: Readonly<Record<string, string | number>> = {}, options?: ErrorOptions) {
    const entry = ERRORS[code];
    super(fill(entry.message, values), options);
    this.name = 'ShuntError';
    this.code = code;
    this.help = fill(entry.help, values);
    this.status = entry.status;
  }
}

const fill = (template: string, values: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? `{${key}}`));
