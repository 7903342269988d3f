import { expect } from 'vitest';
import { readObject } from '../../src/core/desire/read.ts';
import { createIntern } from '../../src/core/model/intern.ts';
import type { ClusterObject, Complaint, EndpointSliceObject, ObjectRef } from '../../src/core/model/objects.ts';
import type { ClusterEvent, Source, SourceSink } from '../../src/sources/source.ts';
import type { RawObject } from '../helpers/api-server/resources.ts';
import { retryUntil } from '../helpers/retry.ts';

/** What the server has of all that the source reads, as the API shows it. */
export type Truth = () => readonly RawObject[] | Promise<readonly RawObject[]>;

/** Takes what a source tells, and holds it against what the server has and against what every source must keep to. */
export class SourceMirror implements SourceSink, AsyncDisposable {
  readonly objects = new Map<string, ClusterObject>();
  /** `put Kind namespace/name`, `delete ...`, `synced`, `trouble code`, `well`. */
  readonly told: string[] = [];
  /** When each of these was told. */
  readonly toldAtMs: number[] = [];
  readonly violations: string[] = [];
  complaints: readonly Complaint[] = [];
  trouble: Error | undefined;
  whole = false;
  /** How often anything was told. */
  changes = 0;
  readonly #source: Source;
  readonly #truth: Truth;

  constructor(source: Source, truth: Truth) {
    this.#source = source;
    this.#truth = truth;
  }

  get synced(): boolean {
    return this.told.includes('synced');
  }

  async start(): Promise<void> {
    await this.#source.start(this);
  }

  async followed(timeoutMs?: number): Promise<this> {
    await this.start();
    await retryUntil(() => this.synced, { intervalMs: 2, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    await this.equal(timeoutMs);
    return this;
  }

  /** The oracle: every object that reads well, as it reads, and nothing else. */
  async equal(timeoutMs = 5000): Promise<void> {
    const intern = createIntern();
    await retryUntil(
      async () => {
        const reads = (await this.#truth()).map((raw) => readObject(raw, intern));
        const there = reads.flatMap((read) => (read.outcome === 'object' ? [read.object] : []));
        expect(plain([...this.objects.values()])).toEqual(plain(there));
        return true;
      },
      { timeoutMs, intervalMs: 5 },
    );
    expect(this.violations.splice(0)).toEqual([]);
  }

  readonly onChange = (events: readonly ClusterEvent[], complaints: readonly Complaint[], whole: boolean): void => {
    if (this.whole && !whole) this.violations.push('what was whole no longer is');
    this.whole = whole;
    this.changes += 1;
    this.complaints = complaints;
    for (const event of events) this.#take(event);
  };

  readonly onSynced = (): void => {
    if (this.synced) this.violations.push('told twice that everything was told');
    this.#say('synced');
  };

  readonly onTrouble = (error: Error | undefined): void => {
    this.trouble = error;
    this.#say(error === undefined ? 'well' : `trouble ${'code' in error ? error.code : error.message}`);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.stop();
    expect(this.violations.splice(0)).toEqual([]);
  }

  #take(event: ClusterEvent): void {
    if (event.type === 'put') {
      const name = nameOf(event.object);
      this.#say(`put ${name}`);
      this.objects.set(name, event.object);
      return;
    }
    if (event.type === 'client') return;
    const name = nameOf(event.ref);
    this.#say(`delete ${name}`);
    if (!this.objects.delete(name)) this.violations.push(`${name} is deleted, and was not there`);
  }

  #say(line: string): void {
    this.told.push(line);
    this.toldAtMs.push(performance.now());
  }
}

const nameOf = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace}/${name}`;

/** Packed or not: what can be read of them, in one order. */
const plain = (objects: readonly ClusterObject[]): Readonly<Record<string, object>> =>
  Object.fromEntries(
    objects.map((object) => [
      nameOf(object),
      object.kind === 'EndpointSlice' ? { ...withoutPacking(object), endpoints: object.endpoints } : object,
    ]),
  );

const SLICE_FIELDS = ['kind', 'namespace', 'name', 'service', 'family', 'ports', 'triggeredAtMs'] as const;

const withoutPacking = (slice: EndpointSliceObject): object =>
  Object.fromEntries(SLICE_FIELDS.map((field) => [field, slice[field]]));
