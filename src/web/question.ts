/**
 * `10.96.0.10:80`, `[fd00::10]:80`, each also with `/tcp` or `/udp`, as `shunt explain` takes it; undefined when it is none.
 * The agent looks closer.
 */
export const questionQuery = (text: string, client: string): string | undefined => {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})(?:\/(tcp|udp))?$/i.exec(text.trim());
  const [, long, short, port = '', protocol = 'tcp'] = match ?? [];
  const address = long ?? short;
  if (address === undefined) return undefined;
  const query = new URLSearchParams({ address, port, protocol: protocol.toUpperCase() });
  if (client.trim() !== '') query.set('client', client.trim());
  return query.toString();
};
