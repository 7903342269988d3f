import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claims, createClaims, settle, stake } from '../../../src/core/claims.ts';
import { keyOf } from '../../../src/core/cluster.ts';
import { desire } from '../../../src/core/desire/desire.ts';
import type { ServiceObject } from '../../../src/core/model/objects.ts';
import { complaintLines, desiredLines, OUR_NODE, service } from '../../helpers/objects.ts';
import { cgroup } from '../../helpers/route-objects.ts';

const desired = (object: ServiceObject) => desire({ service: object, slices: [], policies: [], node: OUR_NODE }).ports;

const put = (claims: Claims, object: ServiceObject): readonly string[] => stake(claims, keyOf(object), object);

/** `address:port/protocol -> owner` for all Services, as their settled ports say. */
const owners = (claims: Claims): readonly string[] =>
  [...claims.services.values()]
    .flatMap((object) => desiredLines(settle(claims, object, desired(object)).ports))
    .map((line) => line.replace(/^(\S+?)\/(\S+?)\/\S*?\/(TCP|UDP) (\S+) .*$/, '$4/$3 $1/$2'))
    .sort();

const WEB = service({ name: 'web', createdAtMs: 1000 });
const NEWER = service({ name: 'newer', createdAtMs: 2000 });
const NEWEST = service({ name: 'newest', createdAtMs: 3000 });

describe('an address that one Service wants', () => {
  it('is its own, and its ports are handed back untouched', () => {
    const claims = createClaims(OUR_NODE);
    expect(put(claims, WEB)).toEqual([]);
    const ports = desired(WEB);
    expect(settle(claims, WEB, ports).ports).toBe(ports);
    expect(settle(claims, WEB, ports).complaints).toEqual([]);
  });

  it('is nobody`s once the Service is gone: nothing is left behind', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    stake(claims, keyOf(WEB), undefined);
    expect(claims).toEqual(createClaims(OUR_NODE));
  });

  it('is nobody`s once the Service has another address', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    put(claims, { ...WEB, clusterIPs: ['10.96.0.2'] });
    expect([...claims.claimants.keys()]).toEqual(['10.96.0.2']);
  });
});

describe('an address and port that several Services want', () => {
  it.each<{ rule: string; services: readonly ServiceObject[]; want: readonly string[] }>([
    { rule: 'belongs to the oldest', services: [NEWER, WEB, NEWEST], want: ['10.96.0.1:80/TCP shop/web'] },
    {
      rule: 'belongs to the first by namespace and name when they are equally old',
      services: [service({ name: 'b' }), service({ name: 'a' }), service({ namespace: 'bank', name: 'z' })],
      want: ['10.96.0.1:80/TCP bank/z'],
    },
    {
      rule: 'belongs to one whose age is known rather than to one whose age is not',
      services: [service({ name: 'by-hand', createdAtMs: Number.POSITIVE_INFINITY }), WEB],
      want: ['10.96.0.1:80/TCP shop/web'],
    },
    {
      rule: 'belongs to the first by name when nothing is known of their ages',
      services: ['b', 'a'].map((name) => service({ name, createdAtMs: Number.POSITIVE_INFINITY })),
      want: ['10.96.0.1:80/TCP shop/a'],
    },
    {
      rule: 'is no matter of a Service with another port there',
      services: [WEB, { ...NEWER, ports: [{ name: 'admin', protocol: 'TCP', port: 81, nodePort: 0 }] }],
      want: ['10.96.0.1:80/TCP shop/web', '10.96.0.1:81/TCP shop/newer'],
    },
    {
      rule: 'is no matter of a Service with another protocol there',
      services: [WEB, { ...NEWER, ports: [{ name: 'quic', protocol: 'UDP', port: 80, nodePort: 0 }] }],
      want: ['10.96.0.1:80/TCP shop/web', '10.96.0.1:80/UDP shop/newer'],
    },
    {
      rule: 'leaves the other addresses of the loser alone',
      services: [WEB, { ...NEWER, clusterIPs: ['10.96.0.1', 'fd00:96::2'] }],
      want: ['10.96.0.1:80/TCP shop/web', '[fd00:96::2]:80/TCP shop/newer'],
    },
  ])('$rule', ({ services, want }) => {
    const claims = createClaims(OUR_NODE);
    for (const object of services) put(claims, object);
    expect(owners(claims)).toEqual(want);
  });

  it('is a warning for those that go without', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    put(claims, NEWER);
    expect(complaintLines(settle(claims, NEWER, desired(NEWER)).complaints)).toEqual([
      'warning: Service shop/newer spec.clusterIPs[0]: 10.96.0.1 port 80/TCP is left to Service shop/web, which is older',
    ]);
    expect(settle(claims, WEB, desired(WEB)).complaints).toEqual([]);
  });

  it('is a warning once, however many clients are answered otherwise', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    put(claims, NEWER);
    const ports = desired(NEWER).map((port) => ({
      ...port,
      groups: port.groups.flatMap((group) => [group, { ...group, client: cgroup(1), variant: 1 }]),
    }));
    const settled = settle(claims, NEWER, ports);
    expect(settled.complaints).toHaveLength(1);
    expect(settled.ports).toEqual([]);
  });

  it('leaves nothing of a port whose addresses all belong to others', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    put(claims, NEWER);
    expect(settle(claims, NEWER, desired(NEWER)).ports).toEqual([]);
  });

  it('costs no more than any other once it has one claimant again', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, WEB);
    put(claims, NEWER);
    stake(claims, 'shop/web', undefined);
    const alone = createClaims(OUR_NODE);
    put(alone, NEWER);
    expect(claims).toEqual(alone);
  });

  it('goes to the next when the owner goes, and that one must be looked at again', () => {
    const claims = createClaims(OUR_NODE);
    for (const object of [WEB, NEWEST, NEWER]) put(claims, object);
    expect(stake(claims, 'shop/web', undefined)).toEqual(['shop/newer', 'shop/newest']);
    expect(owners(claims)).toEqual(['10.96.0.1:80/TCP shop/newer']);
  });

  it('goes back to an older one that comes, and the owner until then must be looked at again', () => {
    const claims = createClaims(OUR_NODE);
    put(claims, NEWER);
    expect(put(claims, WEB)).toEqual(['shop/newer']);
    expect(owners(claims)).toEqual(['10.96.0.1:80/TCP shop/web']);
  });

  it('goes to the next when the owner drops the port', () => {
    const claims = createClaims(OUR_NODE);
    for (const object of [WEB, NEWER]) put(claims, object);
    expect(put(claims, { ...WEB, ports: [] })).toEqual(['shop/newer']);
    expect(owners(claims)).toEqual(['10.96.0.1:80/TCP shop/newer']);
  });

  it('touches nobody when a Service is looked at again unchanged', () => {
    const claims = createClaims(OUR_NODE);
    for (const object of [WEB, NEWER]) put(claims, object);
    expect(put(claims, WEB)).toEqual([]);
  });
});

describe('an address that a Service has from outside', () => {
  const CLAIMS = { ...OUR_NODE, externalIPs: true, addresses: ['192.0.2.1'] };
  const withOutside = (object: ServiceObject) =>
    desire({ service: object, slices: [], policies: [], node: CLAIMS }).ports;
  const settled = (...objects: readonly ServiceObject[]): readonly string[] => {
    const claims = createClaims(CLAIMS);
    for (const object of objects) put(claims, object);
    return objects.flatMap((object) => {
      const { ports, complaints } = settle(claims, object, withOutside(object));
      const lines = desiredLines(ports).map((line) => line.replace(/^(\S+)\/\S*\/\S+ (\S+) .*$/, '$1 $2'));
      return [...lines, ...complaintLines(complaints).map((line) => line.replace(/^.*?: Service /, ''))];
    });
  };
  const port = (name: string, number: number, nodePort = 0) =>
    ({ name, protocol: 'TCP', port: number, nodePort }) as const;

  it('is shared by Services with different ports', () => {
    expect(
      settled(
        service({ name: 'a', clusterIPs: ['10.96.0.2'], externalIPs: ['203.0.113.1'] }),
        service({ name: 'b', clusterIPs: ['10.96.0.3'], externalIPs: ['203.0.113.1'], ports: [port('x', 81)] }),
      ),
    ).toEqual(['shop/a 10.96.0.2:80', 'shop/a 203.0.113.1:80', 'shop/b 10.96.0.3:81', 'shop/b 203.0.113.1:81']);
  });

  it('is the older one`s where both want the port', () => {
    expect(
      settled(
        service({ name: 'a', createdAtMs: 2, clusterIPs: ['10.96.0.2'], externalIPs: ['203.0.113.1'] }),
        service({ name: 'b', createdAtMs: 1, clusterIPs: ['10.96.0.3'], externalIPs: ['203.0.113.1'] }),
      ),
    ).toEqual([
      'shop/a 10.96.0.2:80',
      'shop/a spec.externalIPs[0]: 203.0.113.1 port 80/TCP is left to Service shop/b, which is older',
      'shop/b 10.96.0.3:80',
      'shop/b 203.0.113.1:80',
    ]);
  });

  it('is nobody`s where it is the cluster address of another, whatever the port and however old', () => {
    expect(
      settled(
        service({
          name: 'a',
          createdAtMs: 1,
          clusterIPs: ['10.96.0.2'],
          externalIPs: ['10.96.0.3'],
          ports: [port('x', 81)],
        }),
        service({ name: 'b', createdAtMs: 2, clusterIPs: ['10.96.0.3'] }),
      ),
    ).toEqual([
      'shop/a 10.96.0.2:81',
      'shop/a spec.externalIPs[0]: 10.96.0.3 port 81/TCP is left to Service shop/b, which has it as its cluster address',
      'shop/b 10.96.0.3:80',
    ]);
  });

  it('is the node`s, and then the older Service has the node port', () => {
    const nodePort = [port('x', 81, 30_080)];
    expect(
      settled(
        service({ name: 'a', createdAtMs: 2, type: 'NodePort', clusterIPs: ['10.96.0.2'], ports: nodePort }),
        service({ name: 'b', createdAtMs: 1, type: 'NodePort', clusterIPs: ['10.96.0.3'], ports: nodePort }),
      ),
    ).toEqual([
      'shop/a 10.96.0.2:81',
      'shop/a spec.ports[0].nodePort: 192.0.2.1 port 30080/TCP is left to Service shop/b, which is older',
      'shop/b 10.96.0.3:81',
      'shop/b 192.0.2.1:30080',
    ]);
  });
});

describe('an external address that is the node`s as well', () => {
  const identity = { ...OUR_NODE, externalIPs: true };
  const node = { ...identity, addresses: ['192.0.2.1', '192.0.2.2'] };
  const part = (claims: Claims, object: ServiceObject): readonly string[] => {
    const { ports } = desire({ service: object, slices: [], policies: [], node });
    const settled = settle(claims, object, ports);
    const lines = desiredLines(settled.ports).map((line) => line.replace(/^(\S+)\/\S*\/\S+ (\S+) .*$/, '$1 $2'));
    return [...lines, ...complaintLines(settled.complaints).map((line) => line.replace(/^.*?: Service /, ''))];
  };
  const byNode = service({
    name: 'a',
    createdAtMs: 1,
    type: 'NodePort',
    clusterIPs: ['10.96.0.2'],
    ports: [{ name: 'x', protocol: 'TCP', port: 80, nodePort: 30_080 }],
  });
  const outside = service({
    name: 'b',
    createdAtMs: 2,
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.3'],
    loadBalancerIPs: ['192.0.2.1'],
    ports: [{ name: 'y', protocol: 'TCP', port: 30_080, nodePort: 0 }],
  });

  it('comes before a node port of that number, however old, and whoever has that is told', () => {
    const claims = createClaims(identity);
    put(claims, byNode);
    expect(part(claims, byNode)).toEqual(['shop/a 10.96.0.2:80', 'shop/a 192.0.2.1:30080', 'shop/a 192.0.2.2:30080']);
    expect(put(claims, outside)).toEqual(['shop/a']);
    expect(part(claims, outside)).toEqual(['shop/b 10.96.0.3:30080', 'shop/b 192.0.2.1:30080']);
    expect(part(claims, byNode)).toEqual([
      'shop/a 10.96.0.2:80',
      'shop/a 192.0.2.2:30080',
      'shop/a spec.ports[0].nodePort: 192.0.2.1 port 30080/TCP is left to Service shop/b, which has it as an external address',
    ]);
    expect(stake(claims, 'shop/b', undefined)).toEqual(['shop/a']);
    expect(part(claims, byNode)).toEqual(['shop/a 10.96.0.2:80', 'shop/a 192.0.2.1:30080', 'shop/a 192.0.2.2:30080']);
  });

  it('counts once where the Service itself has that number as its node port', () => {
    const claims = createClaims(identity);
    const both = { ...outside, ports: outside.ports.map((port) => ({ ...port, nodePort: 30_080 })) };
    put(claims, both);
    expect(part(claims, both)).toEqual(['shop/b 10.96.0.3:30080', 'shop/b 192.0.2.1:30080', 'shop/b 192.0.2.2:30080']);
  });
});

describe('the cluster address of a Service that another proxy serves', () => {
  const ours = { ...OUR_NODE, proxyName: 'shunt', externalIPs: true, addresses: ['192.0.2.1'] };
  const bank = service({ namespace: 'bank', name: 'api', clusterIPs: ['10.96.0.50'] });
  const settledBeside = (foreign: ServiceObject, own: ServiceObject, node = ours): readonly string[] => {
    const claims = createClaims(node);
    for (const object of [own, foreign]) put(claims, object);
    const { ports, complaints } = settle(claims, own, desire({ service: own, slices: [], policies: [], node }).ports);
    return [...desiredLines(ports), ...complaintLines(complaints)];
  };
  const OWN_LINE = 'evil/lb/http/TCP 10.96.0.9:80 -> refused';
  const evil = { namespace: 'evil', name: 'lb', clusterIPs: ['10.96.0.9'], proxyName: 'shunt' } as const;

  it.each<{ as: string; fields: Parameters<typeof service>[0]; path: string }>([
    {
      as: 'the address of a load balancer',
      fields: { type: 'LoadBalancer', loadBalancerIPs: ['10.96.0.50'] },
      path: 'status.loadBalancer.ingress',
    },
    { as: 'an external address', fields: { externalIPs: ['10.96.0.50'] }, path: 'spec.externalIPs[0]' },
  ])('is nobody`s to take over as $as', ({ fields, path }) => {
    expect(settledBeside(bank, service({ ...evil, ...fields }))).toEqual([
      OWN_LINE,
      `warning: Service evil/lb ${path}: 10.96.0.50 port 80/TCP is left to Service bank/api, ` +
        'which has it as its cluster address',
    ]);
  });

  it('is not taken over by the default proxy`s Services either', () => {
    const labelled = { ...bank, proxyName: 'other' };
    const own = service({ ...evil, proxyName: undefined, type: 'LoadBalancer', loadBalancerIPs: ['10.96.0.50'] });
    expect(settledBeside(labelled, own, { ...ours, proxyName: '' })[0]).toBe(OWN_LINE);
  });

  it('keeps nothing from a Service of ours that has the very same cluster address', () => {
    expect(settledBeside(bank, service({ ...evil, clusterIPs: ['10.96.0.50'] }))).toEqual([
      'evil/lb/http/TCP 10.96.0.50:80 -> refused',
    ]);
  });

  it('leaves its external addresses and node ports to whoever of ours asks for them', () => {
    const foreign = { ...bank, type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] } as const;
    const own = service({ ...evil, type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] });
    expect(settledBeside(foreign, own)).toEqual([OWN_LINE, 'evil/lb/http/TCP 203.0.113.1:80 -> refused']);
  });
});

describe('the closing of an address that two Services have', () => {
  it('is told by the oldest that has a port, and by the next once that one has gone', () => {
    const claims = createClaims(OUR_NODE);
    const empty = service({ name: 'empty', createdAtMs: 500, ports: [] });
    const other = { ...NEWER, ports: [{ name: 'x', protocol: 'TCP', port: 81, nodePort: 0 } as const] };
    for (const object of [empty, WEB, other]) put(claims, object);
    const closed = (object: ServiceObject) =>
      settle(claims, object, desired(object)).ports.flatMap((port) => port.closed);
    expect([closed(empty), closed(WEB), closed(other)]).toEqual([[], ['10.96.0.1'], []]);
    stake(claims, keyOf(WEB), undefined);
    expect(closed(other)).toEqual(['10.96.0.1']);
  });
});

describe('random claims', () => {
  const node = { ...OUR_NODE, addresses: ['192.0.2.1', 'fd00:2::1'] };
  const wide = fc
    .record({
      name: fc.constantFrom('a', 'b', 'c'),
      createdAtMs: fc.nat(2),
      clusterIPs: fc.uniqueArray(fc.constantFrom('10.96.0.1', '10.96.0.2', 'fd00:96::1'), { maxLength: 2 }),
      loadBalancerIPs: fc.uniqueArray(fc.constantFrom('10.96.0.2', '192.0.2.1', '203.0.113.1'), { maxLength: 2 }),
      numbers: fc.uniqueArray(fc.tuple(fc.constantFrom(80, 30_080), fc.constantFrom(0, 30_080, 30_081)), {
        maxLength: 2,
        comparator: (a, b) => a[0] === b[0] || (a[1] === b[1] && a[1] > 0),
      }),
    })
    .map(({ numbers, ...fields }) =>
      service({
        ...fields,
        ports: numbers.map(([port, nodePort]) => ({ name: `p${port}`, protocol: 'TCP' as const, port, nodePort })),
      }),
    );

  it('of every kind of address give each key one owner, and only the Services told change their part', () => {
    const partOf = (claims: Claims, object: ServiceObject): readonly string[] =>
      desiredLines(settle(claims, object, desire({ service: object, slices: [], policies: [], node }).ports).ports);
    fc.assert(
      fc.property(fc.array(fc.tuple(wide, fc.boolean()), { maxLength: 12 }), (changes) => {
        const claims = createClaims(node);
        const parts = new Map<string, readonly string[]>();
        for (const [each, exists] of changes) {
          const key = keyOf(each);
          for (const affected of [key, ...stake(claims, key, exists ? each : undefined)]) {
            const current = claims.services.get(affected);
            if (current === undefined) parts.delete(affected);
            else parts.set(affected, partOf(claims, current));
          }
          const all = [...claims.services.values()].map((object) => [keyOf(object), partOf(claims, object)] as const);
          expect(parts).toEqual(new Map(all));
          const keys = all.flatMap(([, lines]) => lines.map(frontend)).map((line) => line.split(' ')[0]);
          expect(new Set(keys).size).toBe(keys.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  const ports = fc
    .uniqueArray(fc.constantFrom(80, 81), { maxLength: 2 })
    .map((numbers) => numbers.map((port) => ({ name: `p${port}`, protocol: 'TCP' as const, port })));
  const object = fc
    .record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      createdAtMs: fc.nat(2),
      clusterIPs: fc.uniqueArray(fc.constantFrom('10.96.0.1', '10.96.0.2', 'fd00:96::1'), { maxLength: 2 }),
      ports,
    })
    .map(service);
  const change = fc.tuple(object, fc.boolean());

  it('have exactly one owner for each key, the oldest; and only the Services told change their part', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const claims = createClaims(OUR_NODE);
        const parts = new Map<string, readonly string[]>();
        for (const [each, exists] of changes) {
          const key = keyOf(each);
          const again = stake(claims, key, exists ? each : undefined);
          for (const affected of [key, ...again]) {
            const current = claims.services.get(affected);
            if (current === undefined) parts.delete(affected);
            else parts.set(affected, desiredLines(settle(claims, current, desired(current)).ports));
          }
          expect([...parts.values()].flat().map(frontend).sort()).toEqual(oldestOf([...claims.services.values()]));
        }
      }),
    );
  });

  const frontend = (line: string): string => line.replace(/^shop\/(\w)\S* (\S+) .*$/, '$2 $1');

  /** Each key once, with the name of the Service that came first: what the rule says, without any bookkeeping. */
  const oldestOf = (services: readonly ServiceObject[]): readonly string[] => {
    const firsts = new Map<string, string>();
    for (const each of services.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1))) {
      for (const line of desiredLines(desired(each)).map(frontend)) {
        const [key = '', name = ''] = line.split(' ');
        if (!firsts.has(key)) firsts.set(key, name);
      }
    }
    return [...firsts].map(([key, name]) => `${key} ${name}`).sort();
  };
});
