import type { EmbeddedNode } from '../../src/demo/node.ts';
import { openShell, type Server, type SocketShell } from './socket-shell.ts';

/** An address and port of a pod where the server of one Service, and later that of another, may listen. */
export interface Place {
  readonly pod: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Places that servers take over from each other. A server says the name of its Service to whoever connects, so a
 * connection that was sent where its Service has no endpoint any more is answered by the wrong name, or refused.
 */
export class Places implements AsyncDisposable {
  readonly #shells: ReadonlyMap<string, SocketShell>;
  readonly #free: Place[];
  readonly #servers = new Map<Place, Server>();

  constructor(shells: ReadonlyMap<string, SocketShell>, places: readonly Place[]) {
    this.#shells = shells;
    this.#free = [...places];
  }

  /** Has somebody listen at the place that was free for the longest time. */
  async open(kind: 'tcp' | 'udp', name: string): Promise<Place | undefined> {
    const place = this.#free.shift();
    if (place === undefined) return undefined;
    const shell = this.#shells.get(place.pod) as SocketShell;
    this.#servers.set(place, await shell.serve(kind, '*', place.port, name));
    return place;
  }

  /** Nobody listens there any more, and the next one may. */
  async close(place: Place): Promise<void> {
    await this.#servers.get(place)?.stop();
    this.#servers.delete(place);
    this.#free.push(place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#shells.values()].map((shell) => shell.close()));
  }
}

export const openPlaces = async (node: EmbeddedNode, pods: number, portsEach: number): Promise<Places> => {
  const shells = new Map<string, SocketShell>();
  const places: Place[] = [];
  for (let pod = 1; pod <= pods; pod++) {
    const { name, address4, spawn } = await node.addPod(`server-${pod}`);
    shells.set(name, await openShell({ spawn }));
    for (let port = 0; port < portsEach; port++) places.push({ pod: name, address: address4, port: 8000 + port });
  }
  return new Places(shells, places);
};
