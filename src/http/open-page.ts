import type { Clock } from '../agent/clock.ts';
import type { PageSettings } from '../agent/config.ts';
import { History } from '../agent/history/history.ts';
import type { AgentView } from '../agent/view.ts';
import type { OnBug } from './handler.ts';
import { type Listener, listenTcp, listenUnix } from './listen.ts';
import { type PageFile, readPageFiles } from './page/files.ts';
import { buildPage } from './page.ts';

export interface OpenPageOptions {
  readonly view: () => AgentView | undefined;
  readonly clock: Clock;
  readonly node: string;
  readonly version: string;
  readonly onBug: OnBug;
  readonly onFailure: (error: unknown, retryInMs: number) => void;
  /** Those that were built, if not given. */
  readonly files?: readonly PageFile[];
}

/** Serves the live page, and keeps its history as long. Throws SHUNT_E_LISTEN, or SHUNT_E_READ when it was not built. */
export const openPage = async (at: PageSettings, options: OpenPageOptions): Promise<Listener> => {
  const history = new History(options);
  const hostName = 'host' in at ? at.host : '';
  const handler = buildPage({ ...options, history, hostName, files: options.files ?? readPageFiles() });
  const listener = 'host' in at ? await listenTcp(at.host, at.port, handler) : await listenUnix(at.path, handler);
  history.start();
  return {
    address: listener.address,
    close: async () => {
      await listener.close();
      await history.stop();
    },
  };
};
