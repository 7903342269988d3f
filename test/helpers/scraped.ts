/** The whole text of a scrape, each piece taken while it is good. */
export const scrapedText = ({ body }: { readonly body: Iterable<Uint8Array> }): string =>
  Array.from(body, (piece) => Buffer.from(piece).toString()).join('');
