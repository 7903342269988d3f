/** As many parts as there is room for; the first is cut. */
export const fitting = (parts: readonly string[], width: number): string => {
  let text = clean(parts[0] ?? '').slice(0, width);
  for (const part of parts.slice(1).map(clean)) {
    if (text.length + GAP.length + part.length > width) break;
    text += GAP + part;
  }
  return text;
};

const GAP = '  ';

/** What comes from objects or errors cannot steer the terminal, and each character takes one column. */
export const clean = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');
