/** Cells of the first table below a heading, without the rows of its head. */
export const tableUnder = (text: string, heading: string): string[][] => {
  const [, section = ''] = text.split(`# ${heading}\n`);
  const [table = ''] = /(?:^\|.*\|\n)+/m.exec(section) ?? [];
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
};
