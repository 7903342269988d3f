import { ShuntError } from '../../errors.ts';
import type { Ended, StaleSocket } from '../dataplane.ts';
import type { Memory } from './memory.ts';

/** Connected UDP sockets, as far as a dataplane knows of them: what they remember, and whether they are connected. */
export class FakeSockets {
  readonly #connected = new Map<number, StaleSocket>();
  /** What is remembered outlives the connection, until the socket is closed. */
  readonly #remembered = new Map<number, StaleSocket>();
  #cookies = 0;
  #failure: unknown;

  /** A socket that was sent to a backend. Returns its cookie. */
  open(memory: Memory, service: number, index: number): number {
    const { address, port, generation } = memory.backend(index);
    const { generation: serviceGeneration } = memory.service(service);
    this.#cookies += 1;
    const backend = { address, port, backend: index, backendGeneration: generation };
    const socket = { cookie: this.#cookies, ...backend, service, serviceGeneration };
    this.#remembered.set(socket.cookie, socket);
    this.#connected.set(socket.cookie, socket);
    return socket.cookie;
  }

  isConnected(cookie: number): boolean {
    return this.#connected.has(cookie);
  }

  /** connect(AF_UNSPEC), of which no program is told. */
  dissolve(cookie: number): void {
    this.#connected.delete(cookie);
  }

  close(cookie: number): void {
    this.#connected.delete(cookie);
    this.#remembered.delete(cookie);
  }

  stale(memory: Memory): readonly StaleSocket[] {
    return [...this.#remembered.values()].filter(
      ({ backend, backendGeneration }) => memory.backendGeneration(backend) !== backendGeneration,
    );
  }

  /** The next call ends nothing, for this reason. */
  failNext(failure: unknown): void {
    this.#failure = failure;
  }

  end(memory: Memory, sockets: readonly StaleSocket[]): Ended {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return { sockets: [], failure };
    for (const { cookie, backend, backendGeneration } of sockets) {
      if (memory.backendGeneration(backend) === backendGeneration)
        throw new ShuntError('SHUNT_E_INTERNAL', { detail: `socket ${cookie} keeps a backend that is in use` });
    }
    return { sockets: sockets.filter(({ cookie }) => this.#connected.delete(cookie)), failure: undefined };
  }
}
