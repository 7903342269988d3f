import { describe, expect, test } from 'vitest';
import { rangeOf, rangeOfArms } from '../../../src/core/plan/range.ts';
import type { BackendWrite, FrontendWrite, ServiceWrite, Transaction } from '../../../src/core/plan/transaction.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import { ShuntError } from '../../../src/errors.ts';

const CAPACITY = { frontends: 2, slots: 8, backends: 4, services: 2 };

const transaction = (parts: Partial<Transaction>): Transaction => ({
  backends: [],
  weights: [],
  services: [],
  slots: [],
  frontends: [],
  frontendDeletes: [],
  retiredBackends: [],
  retiredServices: [],
  ...parts,
});

const backend = (index: number, more: Partial<BackendWrite> = {}): BackendWrite => ({
  index,
  address: `10.1.0.${index + 1}`,
  port: 8080,
  protocol: 'TCP',
  generation: 1,
  weight: 1,
  service: 0,
  ...more,
});

const service = (index: number, more: Partial<ServiceWrite> = {}): ServiceWrite => ({
  index,
  identity: [0xabc, index],
  generation: 1,
  affinityTimeoutS: 0,
  ...more,
});

const frontend = (lastByte: number, more: Partial<FrontendWrite> = {}): FrontendWrite => ({
  address: `10.96.0.${lastByte}`,
  port: 80,
  protocol: 'TCP',
  service: 0,
  slotBase: 0,
  slotCount: 2,
  scope: 'cluster',
  ...more,
});

const key = (lastByte: number) => ({ address: `10.96.0.${lastByte}`, port: 80, protocol: 'TCP' as const });

/** A range from `base` on: each backend with the same share. */
const slots = (base: number, ...backends: number[]) => ({
  base,
  words: rangeOf(backends.map((index) => ({ index, weight: 1 }))),
});

/** 10.96.0.1:80 leads to backends 0 and 1 by slots 0 to 2; backend 2 is in use and nothing leads there. */
const programmed = (): FakeDataplane => {
  const fake = new FakeDataplane(CAPACITY);
  fake.apply(
    transaction({
      backends: [backend(0), backend(1), backend(2)],
      services: [service(0)],
      slots: [slots(0, 0, 1)],
      frontends: [frontend(1)],
    }),
  );
  return fake;
};

describe('refuses as the kernel does, and keeps what came before', () => {
  test.each<{ title: string; parts: Partial<Transaction>; message: string }>([
    {
      title: 'a frontend too many',
      parts: { frontends: [frontend(2), frontend(3)] },
      message: 'took 1 of 2 changes, then frontend 10.96.0.3:80/TCP failed: E2BIG',
    },
    {
      title: 'a frontend deleted that is not there',
      parts: { frontendDeletes: [key(9)] },
      message: 'took 0 of 1 changes, then removal of frontend 10.96.0.9:80/TCP failed: ENOENT',
    },
    { title: 'a backend outside', parts: { backends: [backend(4)] }, message: 'backends ends at 4' },
    { title: 'a weight outside', parts: { weights: [{ index: 4, weight: 1 }] }, message: 'backends ends at 4' },
    { title: 'a service outside', parts: { services: [service(2)] }, message: 'services ends at 2' },
    { title: 'a slot outside', parts: { slots: [slots(7, 2)] }, message: 'took 1 of 2 changes, then slot 8 failed' },
  ])('$title', ({ parts, message }) => {
    expect(() => programmed().apply(transaction(parts))).toThrow(
      expect.objectContaining({ code: 'SHUNT_E_APPLY', message: expect.stringContaining(message) }),
    );
  });
});

describe('does not accept an unsafe transaction', () => {
  test.each<{ title: string; parts: Partial<Transaction>; message: string }>([
    {
      title: 'a slot that a frontend leads to is written',
      parts: { slots: [slots(1, 2)] },
      message: 'slot 1 is written while a frontend leads to it',
    },
    {
      title: 'a backend that a frontend leads to is written',
      parts: { backends: [backend(0, { generation: 3 })] },
      message: 'backend 0 is written while a frontend leads to it',
    },
    {
      title: 'a service that a frontend leads to becomes another one',
      parts: { services: [service(0, { identity: [1, 2] })] },
      message: 'service 0 is written while a frontend leads to it',
    },
    {
      title: 'a backend in use is written',
      parts: { backends: [backend(2, { generation: 2 })] },
      message: 'backend 2 is written while it is in use',
    },
    {
      title: 'a generation is skipped',
      parts: { backends: [backend(3, { generation: 3 })] },
      message: 'backend 3 goes from generation 0 to 3',
    },
    {
      title: 'a weight of a free backend changes',
      parts: { weights: [{ index: 3, weight: 2 }] },
      message: 'backend 3 is changed while it is free',
    },
    {
      title: 'a frontend leads to a free service',
      parts: { frontends: [frontend(1, { service: 1 })] },
      message: 'leads to service 1, which is free',
    },
    {
      title: 'a frontend leads to a free backend',
      parts: { slots: [slots(3, 3)], frontends: [frontend(1, { slotBase: 3, slotCount: 1 })] },
      message: 'leads to backend 3, which is free',
    },
    {
      title: 'a frontend leads to a backend of another service',
      parts: { services: [service(1)], frontends: [frontend(1, { service: 1 })] },
      message: 'a frontend of service 1 leads to backend 0 of service 0',
    },
    {
      title: 'a frontend leads outside of the slots',
      parts: { frontends: [frontend(1, { slotBase: 7 })] },
      message: 'leads outside of the slots',
    },
    {
      title: 'a backend is retired that a frontend leads to',
      parts: { retiredBackends: [1] },
      message: 'backend 1 is retired while a frontend leads to it',
    },
    {
      title: 'a service is retired that a frontend leads to',
      parts: { retiredServices: [0] },
      message: 'service 0 is retired while a frontend leads to it',
    },
    {
      title: 'a backend is retired twice',
      parts: { retiredBackends: [2, 2] },
      message: 'backend 2 is changed while it is free',
    },
  ])('$title', ({ parts, message }) => {
    expect(() => programmed().apply(transaction(parts))).toThrow(
      expect.objectContaining({ code: 'SHUNT_E_INTERNAL', message: expect.stringContaining(message) }),
    );
  });
});

describe('does not accept arms or lookups that are unsafe', () => {
  const CHOOSES_BY_LOOKUP = { choice: { algorithm: 'Maglev', hashOn: 'Pod' } } as const;
  const lookup = (base: number, ...table: number[]) => ({ base, words: rangeOf([{ index: 0, weight: 1 }], table) });
  const arms = (base: number, ...all: Parameters<typeof rangeOfArms>[0]) => ({ base, words: rangeOfArms(all) });
  /** Led to from service 0 by one arm, whose record is service 1, to backend 0. */
  const shared: Partial<Transaction> = {
    backends: [backend(0)],
    services: [service(0), service(1)],
    slots: [slots(0, 0), arms(2, { service: 1, slotBase: 0, slotCount: 1, weight: 1 })],
    frontends: [frontend(1, { slotBase: 2, slotCount: 1, arms: true })],
  };

  test('but these', () => {
    const fake = new FakeDataplane(ROOMY);
    fake.apply(transaction(shared));
    expect(fake.dump()).toBe(
      '10.96.0.1:80/TCP -> 00000abc00000000: 100.0000% by 00000abc00000001 (100.0000% 10.1.0.1:8080)\n',
    );
  });

  test.each<{ title: string; parts: Partial<Transaction>; message: string }>([
    {
      title: 'an arm without a record',
      parts: { ...shared, services: [service(0)] },
      message: 'leads to service 1, which is free',
    },
    {
      title: 'an arm with the record of the Service itself',
      parts: { ...shared, slots: [slots(0, 0), arms(2, { service: 0, slotBase: 0, slotCount: 1, weight: 1 })] },
      message: 'service 0 is an arm of itself',
    },
    {
      title: 'an arm whose range is written after the frontend leads there',
      parts: { ...shared, slots: shared.slots?.slice(1) ?? [] },
      message: 'to no whole range, at slot 0',
    },
    {
      title: 'an arm that leads to a backend that belongs to it and not to the Service that is asked',
      parts: { ...shared, backends: [backend(0, { service: 1 })] },
      message: 'a frontend of service 0 leads to backend 0 of service 1',
    },
    {
      title: 'an arm that is not there',
      parts: { ...shared, slots: [slots(0, 0), { base: 2, words: arms(2, ARM).words.with(5, 1).with(6, 1) }] },
      message: 'there is no arm 1',
    },
    {
      title: 'a choice by lookup without one',
      parts: { ...shared, services: [service(0), service(1, CHOOSES_BY_LOOKUP)] },
      message: 'service 1 does not choose as the range at slot 0 is made for',
    },
    {
      title: 'a lookup that nobody looks into',
      parts: { ...shared, slots: [lookup(0, 0, 0, 0), arms(3, ARM)], frontends: [WITH_LOOKUP] },
      message: 'service 1 does not choose as the range at slot 0 is made for',
    },
    {
      title: 'a lookup that leads to others than the columns',
      parts: {
        ...shared,
        backends: [backend(0), backend(1)],
        services: [service(0), service(1, CHOOSES_BY_LOOKUP)],
        slots: [lookup(0, 0, 1, 0), arms(3, ARM)],
        frontends: [WITH_LOOKUP],
      },
      message: 'a lookup leads to backend 1 of others',
    },
    {
      title: 'a client’s entry that leads on to clients',
      parts: { ...shared, frontends: [{ ...WITH_LOOKUP, slotBase: 2, client: 1n, clientLevels: 8 }] },
      message: 'the entry of a client leads on to clients',
    },
  ])('$title', ({ parts, message }) => {
    expect(() => new FakeDataplane(ROOMY).apply(transaction(parts))).toThrow(
      expect.objectContaining({ code: 'SHUNT_E_INTERNAL', message: expect.stringContaining(message) }),
    );
  });

  test.each<{ title: string; parts: Partial<Transaction>; message: string }>([
    {
      title: 'the range of an arm is written',
      parts: { slots: [slots(0, 0)] },
      message: 'slot 0 is written while a frontend leads to it',
    },
    {
      title: 'the record of an arm becomes another one',
      parts: { services: [service(1, { identity: [1, 2] })] },
      message: 'service 1 is written while a frontend leads to it',
    },
    {
      title: 'the record of an arm is retired',
      parts: { retiredServices: [1] },
      message: 'service 1 is retired while a frontend leads to it',
    },
    {
      title: 'a backend of an arm is retired',
      parts: { retiredBackends: [0] },
      message: 'backend 0 is retired while a frontend leads to it',
    },
    {
      title: 'the record of an arm says that it chooses by lookup, and no lookup comes',
      parts: { services: [service(1, CHOOSES_BY_LOOKUP)] },
      message: 'service 1 has nothing to look up in',
    },
  ])('once they are in use: $title', ({ parts, message }) => {
    const fake = new FakeDataplane(ROOMY);
    fake.apply(transaction(shared));
    expect(() => fake.apply(transaction(parts))).toThrow(
      expect.objectContaining({ code: 'SHUNT_E_INTERNAL', message: expect.stringContaining(message) }),
    );
  });
});

const ROOMY = { frontends: 4, slots: 16, backends: 4, services: 4 };
const ARM = { service: 1, slotBase: 0, slotCount: 1, weight: 1 };
const WITH_LOOKUP = frontend(1, { slotBase: 3, slotCount: 1, arms: true });

describe('lets nothing be reused before a grace period', () => {
  const removal = transaction({ frontendDeletes: [key(1)], retiredBackends: [0, 1], retiredServices: [0] });

  const reuses: { title: string; parts: Partial<Transaction> }[] = [
    { title: 'a slot', parts: { slots: [slots(1, 2)] } },
    { title: 'a backend', parts: { backends: [backend(1, { generation: 3 })] } },
    { title: 'a service', parts: { services: [service(0, { generation: 3 })] } },
  ];

  test.each(reuses)('$title', async ({ parts }) => {
    const fake = programmed();
    const early = fake.grace();
    fake.apply(removal);
    await early;
    expect(() => fake.apply(transaction(parts))).toThrow('is reused before a grace period has passed');
    await fake.grace();
    fake.apply(transaction(parts));
  });

  test('nor its counters be cleared', async () => {
    const fake = programmed();
    fake.apply(removal);
    expect(() => fake.clearStats({ backends: [0], services: [] })).toThrow('backend 0 is reused');
    await fake.grace();
    fake.clearStats({ backends: [0], services: [0] });
  });

  test('also when the tables grow meanwhile', async () => {
    const fake = programmed();
    fake.apply(removal);
    await fake.grow({ frontends: 4, slots: 16, backends: 8, services: 4 });
    expect(() => fake.apply(transaction({ slots: [slots(1, 2)] }))).toThrow('slot 1 is reused');
  });
});

test('grown tables hold the same and more', async () => {
  const fake = programmed();
  const before = fake.dump();
  await fake.grow({ frontends: 4, slots: 16, backends: 8, services: 4 });
  expect(fake.dump()).toBe(before);
  fake.apply(transaction({ backends: [backend(7)], slots: [slots(14, 7)], frontends: [frontend(2), frontend(3)] }));
  expect(() => fake.apply(transaction({ slots: [slots(0, 2)] }))).toThrow('while a frontend leads to it');
});

test('memory outside of a table cannot be read', () => {
  const { tables } = programmed();
  expect(() => tables.slots(7, 2)).toThrow('slots has no index 8');
  expect(() => tables.backendGeneration(4)).toThrow('backends has no index 4');
  expect(() => tables.service(-1)).toThrow('services has no index -1');
});

test('a transaction is cut after the given number of steps, and only that one', () => {
  const fake = new FakeDataplane(CAPACITY);
  const two = transaction({ backends: [backend(0)], services: [service(0)] });
  fake.failAfter(1);
  expect(() => fake.apply(two)).toThrow(ShuntError);
  expect([fake.tables.backendGeneration(0), fake.tables.serviceGeneration(0)]).toEqual([1, 0]);
  fake.apply(transaction({ services: [service(0)] }));
  expect(fake.tables.serviceGeneration(0)).toBe(1);
});

test('a dump reads as one line per frontend, whatever the indexes are', () => {
  const fake = new FakeDataplane({ frontends: 4, slots: 8, backends: 8, services: 2 });
  fake.apply(
    transaction({
      backends: [backend(1), backend(0), backend(5, { address: 'fd00:1::1' })],
      services: [service(0, { affinityTimeoutS: 60 }), service(1)],
      slots: [
        {
          base: 2,
          words: rangeOf([
            { index: 0, weight: 1 },
            { index: 1, weight: 3 },
          ]),
        },
        slots(0, 5),
      ],
      frontends: [
        frontend(2, { slotBase: 2 }),
        frontend(1, { service: 1, slotCount: 0 }),
        frontend(0, { address: 'fd00:96::1', slotCount: 1 }),
      ],
    }),
  );
  expect(fake.dump()).toBe(
    [
      '10.96.0.1:80/TCP -> 00000abc00000001: refused',
      '10.96.0.2:80/TCP -> 00000abc00000000 affinity 60s: 25.0000% 10.1.0.1:8080, 75.0000% 10.1.0.2:8080',
      '[fd00:96::1]:80/TCP -> 00000abc00000000 affinity 60s: 100.0000% [fd00:1::1]:8080',
      '',
    ].join('\n'),
  );
});

describe('a connection', () => {
  const active = async (): Promise<FakeDataplane> => {
    const fake = programmed();
    await fake.activate();
    fake.apply(transaction({ frontends: [frontend(2, { slotCount: 0 })] }));
    return fake;
  };

  test('goes where the random number says, and is counted', async () => {
    const fake = await active();
    expect(fake.connect('10.96.0.1', 80, 'TCP', 0)).toEqual({ verdict: 'sent', address: '10.1.0.1', port: 8080 });
    expect(fake.connect('10.96.0.1', 80, 'TCP', 2 ** 31)).toEqual({ verdict: 'sent', address: '10.1.0.2', port: 8080 });
    expect([0, 1].map((index) => fake.stats.backend(index).attempts)).toEqual([1, 1]);
    expect(fake.stats.service(0).attempts).toBe(2);
  });

  test('takes turns where its Service does, and is looked up where it is', async () => {
    const fake = await active();
    const sent = (random: number) => fake.connect('10.96.0.1', 80, 'TCP', random);
    fake.apply(transaction({ services: [service(0, { choice: { algorithm: 'RoundRobin', hashOn: 'Pod' } })] }));
    expect([0, 0, 0].map(sent)).toMatchObject([1, 2, 1].map((byte) => ({ address: `10.1.0.${byte}` })));
    const choice = { algorithm: 'Maglev', hashOn: 'Pod' } as const;
    const even = [0, 1].map((index) => ({ index, weight: 1 }));
    fake.apply(
      transaction({
        services: [service(0, { choice })],
        slots: [{ base: 4, words: rangeOf(even, [1, 0, 0]) }],
        frontends: [frontend(1, { slotBase: 4 })],
      }),
    );
    expect([0, 1, 5, 6].map(sent)).toMatchObject([2, 1, 1, 2].map((byte) => ({ address: `10.1.0.${byte}` })));
  });

  test('is refused where nobody answers, and is counted', async () => {
    const fake = await active();
    expect(fake.connect('10.96.0.2', 80, 'TCP', 0)).toEqual({ verdict: 'refused' });
    expect(fake.stats.service(0).rejected).toBe(1);
    expect(fake.stats.verdicts()).toEqual({ refused_no_endpoint: 1 });
  });

  test('is left alone at any other address, port or protocol, and before anything is active', async () => {
    const fake = await active();
    const leftAlone = { verdict: 'left alone' };
    expect(fake.connect('10.96.0.3', 80, 'TCP', 0)).toEqual(leftAlone);
    expect(fake.connect('10.96.0.1', 81, 'TCP', 0)).toEqual(leftAlone);
    expect(fake.connect('10.96.0.1', 80, 'UDP', 0)).toEqual(leftAlone);
    expect(programmed().connect('10.96.0.1', 80, 'TCP', 0)).toEqual(leftAlone);
  });
});
