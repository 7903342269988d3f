import type { Question } from './decision.ts';

/** `10.244.1.21:9080`, `[fd00:10:244:1::41]:7070`; the address alone when no port is known. */
export const socketText = ({ address, port }: { readonly address: string; readonly port?: number }): string => {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
};

/** Lines with their cells under each other; columns in which no row says anything are left out. */
export const alignColumns = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((cell) => cell !== '')
      .join('  ')
      .trimEnd(),
  );
};

export const questionText = (question: Question): string => `${socketText(question)}/${question.protocol}`;

/** Two decimals, and as many more as a share below 0.01 % needs to be seen. */
export const percentText = (percent: number): string =>
  `${percent >= 0.01 || percent === 0 ? percent.toFixed(2) : percent.toPrecision(1)} %`;
