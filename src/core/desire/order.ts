/** By code unit: the same on every machine, whatever its locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  compareText(a.name, b.name);

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export const byAddress = (a: SocketAddress, b: SocketAddress): number =>
  a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1;
