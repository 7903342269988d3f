import { expect, test, vi } from 'vitest';
import { Reconciler } from '../../../src/agent/reconciler.ts';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { policy, service } from '../../helpers/objects.ts';
import { route } from '../../helpers/route-objects.ts';

test.each([
  { name: 'other', what: 'has nothing to do with a route', looks: false },
  { name: 'web', what: 'is shared by a route', looks: true },
  { name: 'v1', what: 'is led to by a route', looks: true },
])('where a Service $what, a change of it has all policies looked at: $looks', async ({ name, looks }) => {
  const reconciler = new Reconciler({
    dataplane: new FakeDataplane({ frontends: 32, slots: 128, backends: 32, services: 16 }),
    node: { name: 'node-a', proxyName: '', externalIPs: false },
    clock: new ManualClock(),
    onWork: () => {},
    onBackgroundError: (error) => {
      throw error;
    },
  });
  const put = async (...objects: readonly ClusterObject[]): Promise<void> => {
    reconciler.note(objects.map((object) => ({ type: 'put', object })));
    await reconciler.run({ whole: true, clientsKnown: true });
    await reconciler.settled();
  };
  await put(service(), service({ name: 'v1', clusterIPs: ['10.96.1.1'] }), policy([]), route([{ name: 'v1' }]));
  const look = vi.spyOn(reconciler.cluster.policies.byKey, 'values');
  await put(service({ name, clusterIPs: ['10.96.1.2'] }));
  expect(look.mock.calls.length > 0).toBe(looks);
});
