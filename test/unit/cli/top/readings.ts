import type { SameNodeStatus, ServiceView } from '../../../../src/agent/view.ts';
import type { Reading } from '../../../../src/cli/top/reading.ts';
import type { ServiceStats } from '../../../../src/dataplane/dataplane.ts';
import { IDLE, STATUS, serviceView } from '../../http/fake-view.ts';

/** A Service port that has counted only this. */
export const port = (
  name: string,
  stats: Partial<ServiceStats> = {},
  fields: Partial<ServiceView> = {},
): ServiceView => {
  const [namespace = '', service = ''] = name.split('/');
  return serviceView({
    id: `${name}//TCP`,
    ...{ namespace, service, portName: '', port: 80 },
    stats: { ...IDLE, ...stats },
    ...fields,
  });
};

/** `latency({ 7: 3 })`: three connects of 64 to 128 us. */
export const latency = (counts: Readonly<Record<number, number>>): readonly number[] =>
  Array.from({ length: 32 }, (_, bucket) => counts[bucket] ?? 0);

export const reading = (
  atMs: number,
  services: readonly ServiceView[],
  sameNode: Partial<SameNodeStatus> | undefined = {},
): Reading => ({
  atMs,
  node: 'worker-1',
  services,
  sameNode: { ...(STATUS.sameNode as SameNodeStatus), ...sameNode },
});
