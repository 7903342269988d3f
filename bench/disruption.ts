import { lookupOf, readRange } from '../src/core/plan/range.ts';
import type { TableReader } from '../src/core/plan/transaction.ts';
import { type Control, capacityFor, createControl, eventsOf, portionsOf } from './control.ts';
import { type GeneratedService, generateServices, policyObject, sliceObjects } from './generate.ts';
import { openTables } from './kernel.ts';
import { createBenchNode } from './node.ts';
import { FIRST_SERVER, type Requests, startRequests, startServers } from './requests.ts';
import type { DisruptionResult, DisruptionSettings } from './results.ts';
import { seededRandom, shuffled } from './statistics.ts';

/**
 * Clients of a Service that is chosen for by Maglev, told apart by the address that they leave from. One backend is
 * removed: its clients must go elsewhere, and the others should stay where they are. It is counted in the tables of the
 * kernel, and by connections from as many addresses.
 */
export const measureDisruption = async (
  settings: DisruptionSettings,
  signal: AbortSignal,
): Promise<Pick<DisruptionResult, 'tables' | 'connections'>> => {
  await using cleanup = new AsyncDisposableStack();
  const size = { services: 1, endpointsPerService: settings.backends, firstEndpoint: FIRST_SERVER };
  const [service] = generateServices(size) as [GeneratedService];
  const node = cleanup.use(await createBenchNode('disruption'));
  const plans = service.endpoints.map(({ address }) => ({ address, serviceUs: 0, workers: 1 }));
  await startServers(node, plans, cleanup);
  const cgroup = await node.addCgroup('clients');
  const { dataplane } = cleanup.use(await openTables(cgroup, capacityFor({ ...size, algorithm: 'Maglev' })));
  const control = await createControl(dataplane);
  const policy = { type: 'put' as const, object: policyObject(service, 'Maglev', 'SourceAddress') };
  for (const portion of portionsOf(control.desire([...eventsOf([service]), policy]))) {
    control.write(control.plan(portion));
  }
  await dataplane.activate();
  // In the namespace of the servers every address of their network is at home.
  const target = `${service.address}:${service.port}`;
  const requests = cleanup.use(startRequests(node, { in: 'server', cgroup }, target));

  const look = () => lookAt(dataplane.tables, requests, settings.clients);
  const removed = shuffled(service.endpoints, seededRandom(settings.seed)).slice(0, settings.removals);
  const [tables, connections]: [number[], number[]] = [[], []];
  let before = await look();
  for (const { address } of removed) {
    signal.throwIfAborted();
    await put(control, { ...service, endpoints: service.endpoints.filter((each) => each.address !== address) });
    const after = await look();
    tables.push(movedShare(before.table, after.table, address));
    connections.push(movedShare(before.answers, after.answers, address));
    await put(control, service);
    before = await look();
  }
  return { tables, connections };
};

/** For each entry of the look-up table, and for each client, the address that it leads to. */
interface Look {
  readonly table: readonly string[];
  readonly answers: readonly string[];
}

const lookAt = async (tables: TableReader, requests: Requests, clients: number): Promise<Look> => {
  const frontend = [...tables.frontends()].find(({ slotCount }) => slotCount > 0);
  const words = frontend && readRange(tables, frontend);
  if (frontend === undefined || words === undefined) throw new Error('the Service is not in the tables');
  return {
    table: Array.from(lookupOf(words, frontend.slotCount), (index) => tables.backend(index).address),
    answers: await requests.answersTo(clients),
  };
};

/** Of those that another one than `gone` answered before, the part that somebody else answers after. */
export const movedShare = (before: readonly string[], after: readonly string[], gone: string): number => {
  if (before.length !== after.length) throw new RangeError('not the same clients before and after');
  if (after.includes(gone)) throw new Error(`${gone} was removed and still answers`);
  const staying = before.flatMap((address, client) => (address === gone ? [] : [[address, after[client]] as const]));
  return staying.filter(([address, now]) => now !== address).length / staying.length;
};

const put = async (control: Control, service: GeneratedService): Promise<void> => {
  const events = sliceObjects(service).map((object) => ({ type: 'put' as const, object }));
  control.write(control.plan(control.desire(events)));
  await control.giveBack();
};
