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
