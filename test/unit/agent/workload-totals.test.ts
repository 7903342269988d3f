import { describe, expect, test } from 'vitest';
import { callerTable, encodeCallerKeys, noCounts } from '../../../src/abi/callers.ts';
import type { Workload } from '../../../src/agent/workload-cgroups.ts';
import { type AskedPort, type Naming, WorkloadTotals } from '../../../src/agent/workload-totals.ts';
import type { CallerEntry } from '../../../src/dataplane/dataplane.ts';
import { callerTableOf } from '../../helpers/caller-table.ts';

const entry = (cgroup: number, service: number, counts: Partial<CallerEntry> = {}): CallerEntry => ({
  ...noCounts(),
  cgroup: BigInt(cgroup),
  service,
  serviceGeneration: 1,
  ...counts,
});

const workload = (name: string): Workload => ({ namespace: 'front', name });
const asked = (service: string): AskedPort => ({ namespace: 'shop', service, protocol: 'TCP', port: 80 });

/** Cgroups 10 to 19 are Pods of workload `1`, and so on; 99 is nobody's. Records 1 and 2 are Services. */
const NAMING: Naming = {
  workloadOf: (cgroup) => (cgroup === 99n ? undefined : workload(String(cgroup / 10n))),
  portOf: (service, generation) => (generation === 1 && service <= 2 ? asked(`s${service}`) : undefined),
};

const shown = (totals: WorkloadTotals): Record<string, number> =>
  Object.fromEntries(
    [...totals.usage()].map((each) => [`${each.workload.name} ${each.service}`, each.counts.attempts]),
  );

/** As the kernel has them. */
const encoded = (entries: readonly CallerEntry[]): [Uint8Array, Uint8Array, number] => {
  const values = entries.flatMap(({ cgroup: _, service: __, serviceGeneration: ___, ...counts }) =>
    Object.values(counts).map(BigInt),
  );
  return [encodeCallerKeys(entries), new Uint8Array(BigUint64Array.from(values).buffer), entries.length];
};

describe('totals', () => {
  test('are sums over the cgroups of a workload, for each Service port, of every counter', () => {
    const totals = new WorkloadTotals();
    const each = { ...noCounts(), attempts: 1, established: 2, failed: 3, closed: 4, broken: 5, rejected: 6 };
    const counts = { ...each, bytesSent: 7, bytesReceived: 8 };
    totals.see(callerTableOf([entry(10, 1, counts), entry(11, 1, counts), entry(20, 1, { attempts: 5 })]), NAMING, 0);
    const doubled = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, 2 * value]));
    expect([...totals.usage()][0]).toEqual({ ...asked('s1'), workload: workload('1'), counts: doubled });
    expect(shown(totals)).toEqual({ '1 s1': 2, '2 s1': 5 });
  });

  test('hold what is in the table now, and not once more what was seen before', () => {
    const totals = new WorkloadTotals();
    totals.see(callerTableOf([entry(10, 1, { attempts: 5 })]), NAMING, 0);
    totals.see(callerTableOf([entry(10, 1, { attempts: 6 })]), NAMING, 1);
    expect(shown(totals)).toEqual({ '1 s1': 6 });
  });

  test('follow each entry of a table that has the same ones, up and down, and many of them', () => {
    const totals = new WorkloadTotals();
    const counts = Array.from({ length: 200 }, (_, n) => n);
    const look = (at: number): void => {
      const entries = counts.map((attempts, n) => entry(10 + (n % 40), 1 + Math.floor(n / 100), { attempts }));
      totals.see(callerTable(...encoded(entries)), NAMING, at, { whole: at % 7 === 6 });
      const sums: Record<string, number> = {};
      for (const { cgroup, service, attempts } of entries) {
        const name = `${cgroup / 10n} s${service}`;
        sums[name] = (sums[name] ?? 0) + attempts;
      }
      expect(shown(totals)).toEqual(sums);
    };
    for (let at = 0; at < 20; at++) {
      look(at);
      counts[(at * 37) % 200] = at % 3 === 0 ? 0 : 5_000_000_000 * at;
    }
  });

  test('keep what was taken out of the table, beside what comes anew', () => {
    const totals = new WorkloadTotals();
    totals.see(callerTableOf([entry(10, 1, { attempts: 5 }), entry(11, 1, { attempts: 1 })]), NAMING, 0);
    totals.settle([entry(10, 1, { attempts: 7 })], NAMING);
    totals.see(callerTableOf([entry(11, 1, { attempts: 1 })]), NAMING, 1);
    expect(shown(totals)).toEqual({ '1 s1': 8 });
    totals.see(callerTableOf([entry(11, 1, { attempts: 1 }), entry(10, 1, { attempts: 2 })]), NAMING, 2);
    expect(shown(totals)).toEqual({ '1 s1': 10 });
  });

  test('wait for the name of whoever asks', () => {
    const totals = new WorkloadTotals();
    totals.see(callerTableOf([entry(99, 1, { attempts: 5 })]), NAMING, 0);
    expect(shown(totals)).toEqual({});
    expect(totals.pairs()).toEqual({ shown: 0, other: 0 });
  });

  test('go with the record of their Service, and follow the number of its port', () => {
    const totals = new WorkloadTotals();
    const entries = [entry(10, 1, { attempts: 5 }), entry(10, 2, { attempts: 1 })];
    totals.see(callerTableOf(entries), NAMING, 0);
    totals.settle([entry(10, 1, { attempts: 5 })], NAMING);
    const later: Naming = {
      ...NAMING,
      portOf: (service) => (service === 2 ? { ...asked('s2'), port: 81 } : undefined),
    };
    totals.see(callerTableOf(entries), later, 1);
    expect([...totals.usage()].map(({ service, port }) => [service, port])).toEqual([['s2', 81]]);
    expect(totals.pairs()).toEqual({ shown: 1, other: 0 });
  });
});

describe('what was found out of an entry before', () => {
  test('is not taken for that of another workload that has its cgroup later', () => {
    const totals = new WorkloadTotals();
    totals.see(callerTableOf([entry(10, 1, { attempts: 5 })]), NAMING, 0);
    totals.settle([entry(10, 1, { attempts: 5 })], NAMING);
    const later: Naming = { ...NAMING, workloadOf: () => workload('2') };
    totals.see(callerTableOf([entry(10, 1, { attempts: 3 })]), later, 1);
    expect(shown(totals)).toEqual({ '1 s1': 5, '2 s1': 3 });
  });

  test('is not taken for that of another Service that has its record later', () => {
    const totals = new WorkloadTotals();
    const before = entry(10, 1, { attempts: 5 });
    const after = { ...entry(10, 1, { attempts: 3 }), serviceGeneration: before.serviceGeneration + 2 };
    totals.see(callerTableOf([before]), NAMING, 0);
    const later: Naming = {
      ...NAMING,
      portOf: (_, generation) => (generation === after.serviceGeneration ? asked('s9') : undefined),
    };
    for (const entries of [
      [before, after],
      [after, before],
    ]) {
      totals.see(callerTableOf(entries), later, 1);
      expect(shown(totals)).toEqual({ '1 s9': 3 });
    }
  });

  test('begins anew where its series have gone meanwhile', () => {
    const totals = new WorkloadTotals();
    totals.see(callerTableOf([entry(10, 1, { attempts: 5 })]), NAMING, 0);
    totals.see(callerTableOf([]), NAMING, 900_001);
    totals.see(callerTableOf([entry(10, 1, { attempts: 7 })]), NAMING, 900_002);
    expect(shown(totals)).toEqual({ '1 s1': 7 });
  });
});

describe('of more pairs than have series of their own', () => {
  const ENTRIES = [entry(10, 1, { attempts: 1 }), entry(20, 1, { attempts: 2 }), entry(30, 1, { attempts: 4 })];

  test('the later ones count for `other` of the Service, each Service on its own', () => {
    const totals = new WorkloadTotals(1);
    totals.see(callerTableOf([...ENTRIES, entry(10, 2, { attempts: 8 })]), NAMING, 0);
    expect(shown(totals)).toEqual({ '1 s1': 1, 'other s1': 6, 'other s2': 8 });
    expect(totals.pairs()).toEqual({ shown: 1, other: 3 });
  });

  test('one stays in `other` while it lives, though there is a place by now', () => {
    const totals = new WorkloadTotals(1);
    totals.see(callerTableOf(ENTRIES), NAMING, 0);
    totals.settle([entry(10, 1, { attempts: 1 })], NAMING);
    for (let minute = 0; minute <= 16; minute++) totals.see(callerTableOf(ENTRIES.slice(1)), NAMING, minute * 60_000);
    expect(shown(totals)).toEqual({ 'other s1': 6 });
    expect(totals.pairs()).toEqual({ shown: 0, other: 2 });
    totals.see(callerTableOf([...ENTRIES.slice(1), entry(40, 1, { attempts: 3 })]), NAMING, 1_000_000);
    expect(shown(totals)).toEqual({ '4 s1': 3, 'other s1': 6 });
  });

  test('what `other` has taken stays, as long as the Service does', () => {
    const totals = new WorkloadTotals(0);
    totals.see(callerTableOf(ENTRIES), NAMING, 0);
    totals.settle(ENTRIES, NAMING);
    totals.see(callerTableOf([]), NAMING, 1_000_000);
    expect(shown(totals)).toEqual({ 'other s1': 7 });
    expect(totals.pairs()).toEqual({ shown: 0, other: 0 });
  });
});

test('a workload that has ended keeps its series for 15 minutes', () => {
  const totals = new WorkloadTotals();
  totals.see(callerTableOf([entry(10, 1, { attempts: 1 })]), NAMING, 0);
  totals.settle([entry(10, 1, { attempts: 1 })], NAMING);
  totals.see(callerTableOf([]), NAMING, 900_000);
  expect(shown(totals)).toEqual({ '1 s1': 1 });
  totals.see(callerTableOf([]), NAMING, 900_001);
  expect(shown(totals)).toEqual({});
});
