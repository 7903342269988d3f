import { execFile } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ROUTE_KINDS } from '../../../src/core/desire/read-target.ts';
import type { ClusterObject, Complaint, RouteParent } from '../../../src/core/model/objects.ts';
import type { WatchDirectory } from '../../../src/sources/file/watch.ts';
import { type FileSourceOptions, fileSource, readOnce } from '../../../src/sources/file.ts';
import type { ClusterEvent, Source } from '../../../src/sources/source.ts';
import { manifestOf } from '../../helpers/object-directory.ts';
import * as objects from '../../helpers/objects.ts';

/** What happens just before a file is read: errors of a machine in need, and other programs, do not come when called. */
const reading = vi.hoisted(() => ({ before: () => {} }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const readFileSync = (...args: Parameters<typeof real.readFileSync>) => {
    reading.before();
    return real.readFileSync(...args);
  };
  return { ...real, readFileSync };
});

let directory: string;
const sources: Source[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-file-source-'));
});

afterEach(async () => {
  reading.before = () => {};
  await Promise.all(sources.splice(0).map((source) => source.stop()));
  rmSync(directory, { recursive: true });
});

const at = (...names: readonly string[]): string => join(directory, ...names);
const write = (name: string, text: string): void => writeFileSync(at(name), text);

/** As editors and good programs do it. */
const replace = (name: string, text: string): void => {
  write(`.${name}.new`, text);
  renameSync(at(`.${name}.new`), at(name));
};

const service = (name: string, port: number | string = 80): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  clusterIP: 10.96.0.5\n  ports:\n  - port: ${port}\n`;

const documents = (...texts: readonly string[]): string => texts.join('---\n');

/** What a source told, as a cluster would hold it. */
const follow = async (options: Partial<FileSourceOptions> = {}) => {
  const source = fileSource({
    path: directory,
    debounceMs: 5,
    waitMaxMs: 50,
    rescanMs: 60_000,
    retryMs: 20,
    ...options,
  });
  sources.push(source);
  const told = {
    source,
    objects: new Map<string, ClusterObject>(),
    batches: [] as string[][],
    complaints: [] as readonly Complaint[],
    whole: [] as boolean[],
    synced: 0,
    troubles: [] as (string | undefined)[],
  };
  await source.start({
    onChange: (events, complaints, whole) => {
      told.batches.push(events.map(eventText));
      told.complaints = complaints;
      if (whole !== told.whole.at(-1)) {
        told.whole.push(whole);
      }
      for (const event of events) {
        if (event.type === 'put') {
          told.objects.set(event.object.name, event.object);
        } else if (event.type === 'delete') {
          told.objects.delete(event.ref.name);
        }
      }
    },
    onSynced: () => {
      told.synced++;
    },
    onTrouble: (error) => told.troubles.push(error?.message),
  });
  return told;
};

type Told = Awaited<ReturnType<typeof follow>>;

const eventText = (event: ClusterEvent): string => {
  if (event.type === 'client') return `client ${event.pod}`;
  return event.type === 'put' ? `+${event.object.name}` : `-${event.ref.name}`;
};

/** `cart:80 login:81`: names and first ports. */
const textOf = (objects: Iterable<ClusterObject>): string =>
  Array.from(objects, (object) => `${object.name}:${object.kind === 'Service' ? object.ports[0]?.port : object.kind}`)
    .sort()
    .join(' ');

const held = (told: Told): string => textOf(told.objects.values());

/** `error a.yaml:8 spec.ports[0].port: must be ...` */
const complaintTexts = (complaints: readonly Complaint[]): readonly string[] =>
  complaints.map(({ severity, origin, path, message }) =>
    `${severity} ${origin?.file}:${origin?.line} ${path}: ${message}`.replaceAll(`${directory}/`, ''),
  );

const untilHeld = (told: Told, text: string) => vi.waitFor(() => expect(held(told)).toBe(text), WAIT);
const untilComplaint = (told: Told, text: string) =>
  vi.waitFor(
    () => expect(complaintTexts(told.complaints)).toEqual(text === '' ? [] : [expect.stringContaining(text)]),
    WAIT,
  );
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** From then on a file that was looked at is not read again until it changes. */
const SETTLED_MS = 50;
const WAIT = { timeout: 5000, interval: 5 };

describe('readOnce', () => {
  test('takes an export of kubectl as it is', async () => {
    const { objects, complaints } = await readOnce(new URL('../../fixtures/cluster.yaml', import.meta.url).pathname);
    expect(complaints.filter(({ severity }) => severity !== 'note')).toEqual([]);
    expect(textOf(objects.filter(({ kind }) => kind === 'Service'))).toBe(
      'cart:7070 catalog:8080 edge:443 frontend:80 idle:80 kube-dns:53 kubernetes:443 login-canary:80 login:80 ' +
        'payments:undefined register:80 store-db:5432',
    );
    expect(objects.filter(({ kind }) => kind === 'EndpointSlice')).toHaveLength(12);
    expect(complaints).toMatchObject([{ object: 'EndpointSlice shop/store-db-8d2kf', origin: { line: 1298 } }]);
  });

  test('takes *.yaml, *.yml and *.json below the directory, and no other file', async () => {
    mkdirSync(at('conf.d', 'deep'), { recursive: true });
    mkdirSync(at('.git'));
    symlinkSync(directory, at('conf.d', 'loop'));
    write('a.yaml', service('a'));
    write('conf.d/b.yml', service('b'));
    write(
      'conf.d/deep/c.json',
      JSON.stringify({
        kind: 'List',
        apiVersion: 'v1',
        items: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'c' }, spec: { ports: [{ port: 80 }] } }],
      }),
    );
    for (const name of ['.d.yaml', 'e.yaml~', '#f.yaml#', 'g.yaml.swp', 'h.txt', '.git/i.yaml']) {
      write(name, service('no'));
    }
    expect(textOf((await readOnce(directory)).objects)).toBe('a:80 b:80 c:80');
  });

  test('takes objects of every kind that Shunt uses', async () => {
    const given = [
      objects.service(),
      objects.slice([objects.endpoint('10.1.0.1', { labels: { rack: 'r1' } })]),
      objects.policy([{ pod: 'a-*', weight: 5 }], { algorithm: 'Maglev', slowStartMs: 5000 }),
      objects.destinationRule({ algorithm: 'LeastConnections' }),
      // Of a later version a TLSRoute must have hostnames.
      ...ROUTE_KINDS.map((kind) => {
        const version = kind === 'TLSRoute' ? 'v1alpha2' : 'v1';
        return objects.route({ kind, apiVersion: `gateway.networking.k8s.io/${version}` });
      }),
      objects.referenceGrant(),
      objects.node(),
      objects.pod({ cgroupUid: 'a', labels: { app: 'web' } }),
    ];
    for (const object of given) write(`${object.kind}.json`, JSON.stringify(manifestOf(object)));
    const found = await readOnce(directory);
    expect(found.complaints).toEqual([]);
    const byKind = Object.fromEntries(found.objects.map((object) => [object.kind, { ...object }]));
    expect(Object.keys(byKind).toSorted()).toEqual(given.map(({ kind }) => kind).toSorted());
    for (const { kind, namespace, name } of given) expect(byKind[kind]).toMatchObject({ kind, namespace, name });
  });

  test('says of every complaint in which file and line it is', async () => {
    write(
      'a.yaml',
      documents(service('a'), service('b', 0), 'apiVersion: v1\nkind: Secret\n', 'apiVersion: v1\nkind: Secret\n'),
    );
    write(
      'b.json',
      '{"apiVersion": "v1",\n"kind": "Service",\n"metadata": {"name": "c"},\n"spec": {"ports": [\n{"port": 0}]}}',
    );
    write('c.yaml', documents(service('a', 81), service('d'), service('d', 82)));
    write('d.yaml', 'a: [1\n');
    write('e.yaml', Buffer.from([0xff, 0xfe, 0x61]).toString('latin1'));
    writeFileSync(at('f.yaml'), Buffer.from([0x61, 0x3a, 0xff]));
    const { objects, complaints } = await readOnce(directory);
    expect(textOf(objects)).toBe('a:80 d:80');
    expect(complaintTexts(complaints)).toEqual([
      'error a.yaml:17 spec.ports[0].port: must be 1 to 65535, is 0',
      'note a.yaml:19 : 2 objects of this kind left alone',
      'error b.json:5 spec.ports[0].port: must be 1 to 65535, is 0',
      'error c.yaml:1 : is already in a.yaml:1; this one is not used',
      'error c.yaml:19 : is already in c.yaml:10; this one is not used',
      expect.stringMatching(/^error d.yaml:[12] : not YAML: /),
      expect.stringMatching(/^error e.yaml:1 : must be a Kubernetes object, is "ÿþa"/),
      'error f.yaml:1 : is not UTF-8 text',
    ]);
  });

  test('holds a route that is narrowed by a policy with a mistake for nobody’s, and warns of kinds with one', async () => {
    const target = '{ group: gateway.networking.k8s.io, kind: TCPRoute, name: beta }';
    const policy = (clients: string, version = 'v1alpha1') =>
      `apiVersion: shunt.dev/${version}\nkind: TrafficPolicy\nmetadata: { name: p }\nspec: { targetRefs: [${target}], clients: ${clients} }\n`;
    write('a.yaml', policy('{ matchLabel: {} }'));
    write('b.yaml', 'apiVersion: shunt.dev/v1alpha1\nkind: TrafficPolicies\n');
    const once = await readOnce(directory);
    expect(once.objects).toMatchObject([{ kind: 'TrafficPolicy', standsIn: true, routes: [{ name: 'beta' }] }]);
    expect(complaintTexts(once.complaints)).toEqual([
      expect.stringContaining('error a.yaml:4 spec.clients.matchLabel'),
      'warning b.yaml:1 : one object of this kind left alone: is shunt.dev/v1alpha1 TrafficPolicy meant?',
    ]);
    write('a.yaml', policy('{ }', 'v1'));
    expect((await readOnce(directory)).objects).toMatchObject([{ standsIn: true }]);
    write('a.yaml', policy('{ }'));
    const [good] = (await readOnce(directory)).objects;
    expect(good).not.toHaveProperty('standsIn');
  });

  test('does not read a file that is too large', async () => {
    writeFileSync(at('a.yaml'), Buffer.alloc(64 * 1024 * 1024 + 1, 0x20));
    const { complaints } = await readOnce(directory);
    expect(complaintTexts(complaints)).toEqual([
      expect.stringContaining('error a.yaml:1 : has 67108865 bytes, more than'),
    ]);
  });

  test('of a path that does not exist fails', async () => {
    await expect(readOnce(at('nowhere'))).rejects.toMatchObject({ code: 'SHUNT_E_SOURCE', status: 1 });
  });
});

describe('fileSource', () => {
  test('tells everything in one batch, then that it is synced', async () => {
    write('a.yaml', documents(service('a'), service('b')));
    write('b.yaml', service('c'));
    const told = await follow();
    expect(told.batches).toEqual([['+a', '+b', '+c']]);
    expect(told.synced).toBe(1);
  });

  test('of an empty directory is synced with nothing', async () => {
    expect(await follow()).toMatchObject({ batches: [[]], synced: 1, troubles: [] });
  });

  test('tells exactly what changed: objects put and deleted, of files added, replaced and removed', async () => {
    write('a.yaml', documents(service('a'), service('b')));
    write('b.yaml', service('c'));
    const told = await follow();
    replace('a.yaml', documents(service('b', 81), service('d')));
    await untilHeld(told, 'b:81 c:80 d:80');
    unlinkSync(at('b.yaml'));
    await untilHeld(told, 'b:81 d:80');
    write('e.yaml', service('e'));
    await untilHeld(told, 'b:81 d:80 e:80');
    expect(told.batches.slice(1)).toEqual([['-a', '+b', '+d'], ['-c'], ['+e']]);
    expect(told.synced).toBe(1);
  });

  test('tells nothing when a file is written again with the same objects', async () => {
    write('a.yaml', service('a'));
    const told = await follow();
    write('a.yaml', `# comment\n${service('a')}`);
    await pause(100);
    expect(told.batches).toHaveLength(1);
  });

  test('moves an object to another file without deleting it', async () => {
    write('a.yaml', service('a'));
    const told = await follow({ debounceMs: 30 });
    renameSync(at('a.yaml'), at('b.yaml'));
    write('c.yaml', service('c'));
    await untilHeld(told, 'a:80 c:80');
    expect(told.batches.flat()).toEqual(['+a', '+c']);
  });

  test('follows a single file that editors replace by renaming', async () => {
    write('a.yaml', service('a'));
    write('b.yaml', service('b'));
    const told = await follow({ path: at('a.yaml') });
    replace('a.yaml', service('a', 81));
    await untilHeld(told, 'a:81');
    write('a.yaml', service('a', 82));
    await untilHeld(told, 'a:82');
  });

  test('follows directories that appear, vanish and come back', async () => {
    const told = await follow();
    for (const round of [1, 2]) {
      mkdirSync(at('conf.d', 'deep'), { recursive: true });
      write('conf.d/deep/a.yaml', service('a', round));
      await untilHeld(told, `a:${round}`);
      write('conf.d/deep/b.yaml', service('b'));
      await untilHeld(told, `a:${round} b:80`);
      rmSync(at('conf.d'), { recursive: true });
      await untilHeld(told, '');
    }
  });

  test('follows a mounted ConfigMap, whose files change by a symbolic link', async () => {
    const publish = (version: string, port: number): void => {
      mkdirSync(at(`..${version}`));
      write(`..${version}/a.yaml`, service('a', port));
      symlinkSync(`..${version}`, at('..data.new'));
      renameSync(at('..data.new'), at('..data'));
    };
    publish('1', 80);
    symlinkSync('..data/a.yaml', at('a.yaml'));
    const told = await follow();
    expect(held(told)).toBe('a:80');
    publish('2', 81);
    await untilHeld(told, 'a:81');
    expect(told.batches).toEqual([['+a'], ['+a']]);
  });

  test('follows a root that is a symbolic link to another release', async () => {
    for (const release of ['one', 'two']) {
      mkdirSync(at(release));
    }
    write('one/a.yaml', service('a', 1));
    write('two/a.yaml', service('a', 2));
    symlinkSync('one', at('current'));
    const told = await follow({ path: at('current') });
    symlinkSync('two', at('next'));
    renameSync(at('next'), at('current'));
    await untilHeld(told, 'a:2');
  });

  test('finds what inotify lost by looking again', async () => {
    write('a.yaml', service('a'));
    const told = await follow({ rescanMs: 30, watchDirectory: () => ({ close: () => {}, on: vi.fn() }) });
    replace('a.yaml', service('a', 81));
    mkdirSync(at('more'));
    write('more/b.yaml', service('b'));
    await untilHeld(told, 'a:81 b:80');
    rmSync(at('more'), { recursive: true });
    await untilHeld(told, 'a:81');
  });

  test('without inotify says so once and goes on', async () => {
    const watchDirectory = () => {
      throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
    };
    const told = await follow({ rescanMs: 30, watchDirectory });
    write('a.yaml', service('a'));
    await untilHeld(told, 'a:80');
    await pause(100);
    expect(told.troubles).toEqual([expect.stringMatching(/^Cannot watch .*: ENOSPC/)]);
  });

  test('without inotify is in trouble until it can watch again, whatever is read meanwhile', async () => {
    let limit = 0;
    const watchDirectory: WatchDirectory = (path, listener) => {
      if (limit === 0) {
        throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
      }
      return watch(path, listener);
    };
    write('a.yaml', service('a'));
    const told = await follow({ rescanMs: 30, watchDirectory });
    replace('a.yaml', service('a', 81));
    await untilHeld(told, 'a:81');
    expect(told.troubles).toEqual([expect.stringMatching(/^Cannot watch .*: ENOSPC/)]);
    limit = 9;
    await vi.waitFor(() => expect(told.troubles.slice(1)).toEqual([undefined]), WAIT);
  });

  test('reads under endless changes after the longest wait', async () => {
    write('a.yaml', service('a'));
    const told = await follow({ debounceMs: 40, waitMaxMs: 120 });
    write('a.yaml', service('a', 81));
    const noise = setInterval(() => write('b.txt', String(Math.random())), 5);
    try {
      await untilHeld(told, 'a:81');
    } finally {
      clearInterval(noise);
    }
  });

  describe('keeps the last good state', () => {
    test('of an invalid object, while the others of its file are applied', async () => {
      write('a.yaml', documents(service('a'), service('b')));
      const told = await follow();
      write('a.yaml', documents(service('a', 0), service('b', 81)));
      await untilHeld(told, 'a:80 b:81');
      expect(complaintTexts(told.complaints)).toEqual(['error a.yaml:8 spec.ports[0].port: must be 1 to 65535, is 0']);
      write('a.yaml', documents(service('a', 82), service('b', 81)));
      await untilHeld(told, 'a:82 b:81');
      expect(told.complaints).toEqual([]);
      expect(told.batches).toEqual([['+a', '+b'], ['+b'], ['+a']]);
    });

    test('of a route, until it is a right one that has nothing to do with Services', async () => {
      const shares = (...parents: RouteParent[]) => objects.route({ name: 'shares', parents });
      const json = (route: object): void => replace('a.json', JSON.stringify(route));
      json(manifestOf(shares(objects.parent())));
      const told = await follow();
      const { spec, ...rest } = manifestOf(shares(objects.parent())) as { readonly spec: object };
      json({ ...rest, spec: { ...spec, rules: [] } });
      await untilComplaint(told, 'error a.json:1 spec.rules: must have one rule');
      expect(told.objects.get('shares')).toEqual(shares(objects.parent()));
      json(manifestOf(shares()));
      await untilHeld(told, '');
      expect(told.complaints).toEqual([]);
    });

    test('of every object of a file that cannot be parsed', async () => {
      write('a.yaml', documents(service('a'), service('b')));
      const told = await follow();
      write('a.yaml', documents(service('a', 81), 'b: [\n'));
      await untilComplaint(told, '; its 2 objects stay as they were read before');
      expect(held(told)).toBe('a:80 b:80');
      write('a.yaml', service('a', 82));
      await untilHeld(told, 'a:82');
      expect(told.complaints).toEqual([]);
    });

    test('of an object that lost its name, until nothing in its file is without one', async () => {
      write('a.yaml', documents(service('a'), service('b'), service('c')));
      const told = await follow();
      replace('a.yaml', documents(service('a', 81), service('b').replace('name:', 'nmae:')));
      await untilHeld(told, 'a:81 b:80 c:80');
      expect(complaintTexts(told.complaints)).toEqual(['error a.yaml:12 metadata.name: is missing']);
      replace('a.yaml', documents(service('a', 81), service('b', 82)));
      await untilHeld(told, 'a:81 b:82');
    });

    test('of an object that became invalid while it moved to another file', async () => {
      write('a.yaml', service('a'));
      const told = await follow({ debounceMs: 30 });
      unlinkSync(at('a.yaml'));
      write('b.yaml', service('a', 0));
      await untilComplaint(told, 'error b.yaml:8 spec.ports[0].port');
      expect(held(told)).toBe('a:80');
      unlinkSync(at('b.yaml'));
      await untilHeld(told, '');
    });

    test('of a file that was emptied, because whoever writes in place empties it first', async () => {
      write('a.yaml', service('a'));
      const told = await follow();
      write('a.yaml', '');
      await untilComplaint(told, 'warning a.yaml:1 : is empty; delete the file to remove its objects');
      expect(held(told)).toBe('a:80');
      unlinkSync(at('a.yaml'));
      await untilHeld(told, '');
    });

    test('of everything while the path is gone, and tries again', async () => {
      mkdirSync(at('root'));
      write('root/a.yaml', service('a'));
      const told = await follow({ path: at('root') });
      renameSync(at('root'), at('away'));
      await vi.waitFor(() => expect(told.troubles).toHaveLength(1), WAIT);
      await pause(100);
      expect(told.troubles).toEqual([expect.stringMatching(/^Cannot read .*: no such file or directory/)]);
      expect(held(told)).toBe('a:80');
      mkdirSync(at('root'));
      write('root/b.yaml', service('b'));
      await untilHeld(told, 'b:80');
      expect(told.troubles.slice(1)).toEqual([undefined]);
    });
  });

  describe('while a file is being written', () => {
    /** As a program does that writes in place and flushes now and then: each part is a YAML file of its own. */
    const rewrite = async (name: string, texts: readonly string[], restMs: number): Promise<void> => {
      write(name, '');
      for (const text of texts) {
        appendFileSync(at(name), `---\n${text}`);
        await pause(restMs);
      }
    };

    test('does not take its first part for all of it, however long the others wait', async () => {
      const texts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => service(name));
      write('all.yaml', documents(...texts));
      const told = await follow({ debounceMs: 60, waitMaxMs: 60 });
      const noise = setInterval(() => write('b.txt', String(Math.random())), 5);
      try {
        await rewrite('all.yaml', [...texts.slice(0, 5), service('f', 81)], 20);
        await untilHeld(told, 'a:80 b:80 c:80 d:80 e:80 f:81');
      } finally {
        clearInterval(noise);
      }
      expect(told.batches.slice(1)).toEqual([['+f']]);
    });

    test('does not take its first part for all of it when the writer comes between looking and reading', async () => {
      write('a.yaml', documents(service('a'), service('b')));
      const told = await follow({ debounceMs: 60 });
      reading.before = () => {
        reading.before = () => {};
        write('a.yaml', service('a', 82));
        setTimeout(() => write('a.yaml', documents(service('a', 82), service('b'))), 20);
      };
      replace('a.yaml', documents(service('a', 81), service('b')));
      await untilHeld(told, 'a:82 b:80');
      expect(told.batches).toEqual([['+a', '+b'], ['+a']]);
    });

    test('reads the other files', async () => {
      write('a.yaml', service('a'));
      const told = await follow({ debounceMs: 60, waitMaxMs: 60 });
      const noise = setInterval(() => write('a.yaml', service('a', 81)), 5);
      try {
        write('b.yaml', service('b'));
        await untilHeld(told, 'a:80 b:80');
      } finally {
        clearInterval(noise);
      }
      await untilHeld(told, 'a:81 b:80');
    });

    test('does not lose an object on its way from one file to another', async () => {
      write('a.yaml', service('a'));
      const told = await follow({ debounceMs: 60, waitMaxMs: 60 });
      const noise = setInterval(() => write('b.yaml', service('a')), 5);
      try {
        unlinkSync(at('a.yaml'));
        await pause(200);
      } finally {
        clearInterval(noise);
      }
      write('b.yaml', service('a', 81));
      await untilHeld(told, 'a:81');
      expect(told.batches.flat()).toEqual(['+a', '+a']);
    });

    test('reads it after the longest wait all the same', async () => {
      write('a.yaml', service('a'));
      const told = await follow({ debounceMs: 60, waitMaxMs: 60, writingMaxMs: 200 });
      const noise = setInterval(() => write('a.yaml', service('a', 81)), 5);
      try {
        await untilHeld(told, 'a:81');
      } finally {
        clearInterval(noise);
      }
    });

    test('is not synced before it was read, when that is at the start', async () => {
      write('all.yaml', service('a'));
      const writing = rewrite('all.yaml', [service('a'), service('b'), service('c')], 20);
      const told = await follow({ debounceMs: 60 });
      await writing;
      expect(told).toMatchObject({ batches: [['+a', '+b', '+c']], synced: 1, whole: [true] });
    });

    test('takes a time stamp from the future for what it is', async () => {
      write('a.yaml', service('a'));
      const told = await follow();
      write('a.yaml', service('a', 81));
      const tomorrow = new Date(Date.now() + 86_400_000);
      utimesSync(at('a.yaml'), tomorrow, tomorrow);
      await untilHeld(told, 'a:81');
    });
  });

  describe('is whole', () => {
    test.each([
      ['a file cannot be parsed', 'b: [\n', 'error b.yaml:'],
      ['a file is empty', '', 'warning b.yaml:1 : is empty'],
      ['an object is invalid', service('b', 0), 'error b.yaml:8 spec.ports[0].port'],
      ['an object has no name', 'apiVersion: v1\nkind: Service\n', 'error b.yaml:1 metadata.name: is missing'],
      ['a file holds something that is no object', '7\n', 'error b.yaml:1 : must be a Kubernetes object'],
    ])('not while %s and never could be read, and once it is mended', async (_, text, complaint) => {
      write('a.yaml', service('a'));
      write('b.yaml', text);
      const told = await follow();
      expect({ held: held(told), synced: told.synced, whole: told.whole }).toEqual({
        held: 'a:80',
        synced: 1,
        whole: [false],
      });
      expect(complaintTexts(told.complaints)).toEqual([expect.stringContaining(complaint)]);
      replace('b.yaml', service('b'));
      await untilHeld(told, 'a:80 b:80');
      expect(told.whole).toEqual([false, true]);
      replace('b.yaml', text);
      await untilComplaint(told, complaint);
      expect(told.whole).toEqual([false, true]);
    });

    test.each([
      ['is deleted', () => unlinkSync(at('b.yaml'))],
      ['comes to say that it has none', () => replace('b.yaml', '# none\n')],
    ])('once a file that could not be read %s', async (_, mend) => {
      write('b.yaml', 'b: [\n');
      const told = await follow();
      expect(told.whole).toEqual([false]);
      mend();
      await vi.waitFor(() => expect(told.whole).toEqual([false, true]), WAIT);
      expect(told.complaints).toEqual([]);
    });

    test('when nothing more is wrong than that an object stands in two files', async () => {
      write('a.yaml', service('a'));
      write('b.yaml', service('a'));
      const told = await follow();
      expect([told.whole, told.complaints.length]).toEqual([[true], 1]);
    });

    test('not while a path cannot be read', async () => {
      symlinkSync('loop', at('loop'));
      const told = await follow({ rescanMs: 20 });
      expect(complaintTexts(told.complaints)).toEqual(['error loop:1 : cannot be read: ELOOP']);
      expect(told.whole).toEqual([false]);
      unlinkSync(at('loop'));
      await vi.waitFor(() => expect(told.whole).toEqual([false, true]), WAIT);
    });
  });

  test('reads a file again that could not be opened, although it did not change', async () => {
    write('a.yaml', service('a'));
    await pause(SETTLED_MS);
    reading.before = () => {
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE', syscall: 'open' });
    };
    const told = await follow({ rescanMs: 30 });
    expect(complaintTexts(told.complaints)).toEqual(['error a.yaml:1 : cannot be read: EMFILE']);
    reading.before = () => {};
    await untilHeld(told, 'a:80');
    expect(told.complaints).toEqual([]);
  });

  test('hands out the same list of complaints as long as nobody has another reason to complain', async () => {
    write('a.yaml', service('a', 0));
    write('b.yaml', service('b'));
    const told = await follow();
    const { complaints } = told;
    write('a.yaml', service('a', -1).replace('-1', '0'));
    replace('b.yaml', service('b', 81));
    await untilHeld(told, 'b:81');
    expect(told.complaints).toBe(complaints);
    replace('a.yaml', service('a', -1));
    await untilComplaint(told, 'is -1');
    expect(told.complaints).not.toBe(complaints);
  });

  test('that cannot read its path at the start is not synced before it could', async () => {
    const told = await follow({ path: at('later') });
    expect(told).toMatchObject({ batches: [], synced: 0, troubles: [expect.stringContaining('no such file')] });
    mkdirSync(at('later'));
    write('later/a.yaml', service('a'));
    await untilHeld(told, 'a:80');
    expect(told.synced).toBe(1);
  });

  test('an object in two files belongs to the first by path, then to the other', async () => {
    write('b.yaml', service('a', 2));
    const told = await follow();
    write('c.yaml', service('a', 3));
    await untilComplaint(told, 'error c.yaml:1 : is already in b.yaml:1');
    expect(held(told)).toBe('a:2');
    write('a.yaml', service('a', 1));
    await untilHeld(told, 'a:1');
    expect(told.complaints).toHaveLength(2);
    unlinkSync(at('a.yaml'));
    unlinkSync(at('b.yaml'));
    await untilHeld(told, 'a:3');
    await untilComplaint(told, '');
  });

  test('an EndpointSlice that comes to ask for nothing is deleted', async () => {
    const slice = (labels: string) =>
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {${labels}}}\naddressType: IPv4\n`;
    write('a.yaml', slice('kubernetes.io/service-name: a'));
    const told = await follow();
    expect(held(told)).toBe('s:EndpointSlice');
    write('a.yaml', slice(''));
    await untilHeld(told, '');
  });

  test('notices a change within one tick of the clock, of equal size', async () => {
    write('a.yaml', service('a', 80));
    const told = await follow();
    write('a.yaml', service('a', 81));
    const now = new Date();
    utimesSync(at('a.yaml'), now, now);
    await untilHeld(told, 'a:81');
    write('a.yaml', service('a', 82));
    utimesSync(at('a.yaml'), now, now);
    await untilHeld(told, 'a:82');
  });

  test('tells nothing after stop', async () => {
    write('a.yaml', service('a'));
    const told = await follow({ rescanMs: 10 });
    write('a.yaml', service('a', 81));
    await told.source.stop();
    await pause(80);
    expect(told.batches).toEqual([['+a']]);
  });

  test('leaves no watcher and no timer after stop: a program that has nothing else to do ends', async () => {
    const module = new URL('../../../src/sources/file.ts', import.meta.url).href;
    const program = `
      const { fileSource } = await import(${JSON.stringify(module)});
      const source = fileSource({ path: ${JSON.stringify(directory)} });
      await source.start({ onChange() {}, onSynced() { console.log('synced'); }, onTrouble() {} });
      await source.stop();`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 });
    expect((await run).stdout).toBe('synced\n');
  });

  test('stopped while it reads, tells nothing of it', async () => {
    for (let index = 0; index < 50; index++) {
      write(`${index}.yaml`, service(`a${index}`));
    }
    const source = fileSource({ path: directory });
    const sink = { onChange: vi.fn(), onSynced: vi.fn(), onTrouble: vi.fn() };
    const started = source.start(sink);
    await source.stop();
    await started;
    expect([sink.onChange, sink.onSynced, sink.onTrouble].flatMap((call) => call.mock.calls)).toEqual([]);
  });

  test('after any sequence of edits holds what reading afresh gives', { timeout: 60_000 }, async () => {
    const edit = fc.record({
      action: fc.constantFrom('write', 'write', 'replace', 'rename', 'delete', 'break', 'half', 'mend'),
      file: fc.nat(4),
      to: fc.nat(4),
      objects: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
      port: fc.integer({ min: 1, max: 9 }),
      restMs: fc.constantFrom(0, 0, 1, 5, 15),
    });
    const [edits = []] = fc.sample(fc.array(edit, { minLength: 200, maxLength: 200 }), { numRuns: 1 });
    const told = await follow();
    const name = (file: number) => `${file}.yaml`;
    const exists = (file: number) => readdirSync(directory).includes(name(file));
    for (const { action, file, to, objects, port, restMs } of edits) {
      const text = documents(...objects.map((object) => service(`s${object}`, port)));
      if (action === 'write' || action === 'mend') {
        write(name(file), text);
      } else if (action === 'replace') {
        replace(name(file), text);
      } else if (action === 'break') {
        write(name(file), `${text}---\nbroken: [\n`);
      } else if (action === 'half') {
        write(name(file), documents(text, service('s0', 0)));
      } else if (exists(file)) {
        action === 'delete' ? unlinkSync(at(name(file))) : renameSync(at(name(file)), at(name(to)));
      }
      await pause(restMs);
    }
    for (const file of [0, 1, 2, 3, 4]) {
      replace(name(file), documents(service(`s${file}`, file + 1), service('s5', file + 1)));
    }
    await vi.waitFor(async () => {
      const fresh = await readOnce(directory);
      expect(fresh.objects).toHaveLength(6);
      const byName = (a: ClusterObject, b: ClusterObject) => (a.name < b.name ? -1 : 1);
      expect([...told.objects.values()].sort(byName)).toEqual([...fresh.objects].sort(byName));
      expect(told.complaints).toEqual(fresh.complaints);
    }, WAIT);
  });
});
