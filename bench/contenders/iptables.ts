import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { run } from '../command.ts';
import type { Contender } from '../contender.ts';
import type { GeneratedService } from '../generate.ts';
import { POD_NETWORK } from '../node.ts';

/**
 * Rules as kube-proxy's iptables mode writes them (pkg/proxy/iptables/proxier.go): a chain with one jump per Service,
 * which each new connection walks, a chain per Service that chooses by probability, a chain per endpoint that
 * translates. `nft` is what Debian ships as iptables (the same rules in nf_tables), `legacy` the older x_tables.
 */
export const iptables = (backend: 'nft' | 'legacy'): Contender => ({
  name: `iptables (${backend})`,
  describe: async () => `kube-proxy's chains, ${(await run(`iptables-${backend}`, ['--version'])).trim()}`,
  paths: ['pods'],
  ownNode: true,
  setUp: async ({ node, services }) => {
    const rules = renderRules(services);
    const startedMs = performance.now();
    await run('ip', ['netns', 'exec', node.namespaces.node, `iptables-${backend}-restore`], rules);
    return {
      programmedMs: performance.now() - startedMs,
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      // The rules go with the namespace.
      [Symbol.asyncDispose]: async () => {},
    };
  },
});

const renderRules = (services: readonly GeneratedService[]): string =>
  [...filterTable, ...natTable(services), ''].join('\n');

const filterTable: readonly string[] = [
  '*filter',
  ':KUBE-EXTERNAL-SERVICES -',
  ':KUBE-FORWARD -',
  ':KUBE-NODEPORTS -',
  ':KUBE-PROXY-FIREWALL -',
  ':KUBE-SERVICES -',
  '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
  '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
  '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
  '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
  '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
  '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
  '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  'COMMIT',
];

const natTable = (services: readonly GeneratedService[]): string[] => [
  '*nat',
  ':KUBE-MARK-MASQ -',
  ':KUBE-NODEPORTS -',
  ':KUBE-POSTROUTING -',
  ':KUBE-SERVICES -',
  ...services.flatMap((service) => [`:${serviceChain(service)} -`, ...endpointChains(service).map((it) => `:${it} -`)]),
  '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
  '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
  '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
  '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
  '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  ...services.map(jumpRule),
  '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
  ...services.flatMap((service) => [...serviceRules(service), ...endpointRules(service)]),
  'COMMIT',
];

const jumpRule = (service: GeneratedService): string =>
  `-A KUBE-SERVICES ${comment(`${portName(service)} cluster IP`)} ${match(service)} -j ${serviceChain(service)}`;

const serviceRules = (service: GeneratedService): string[] => {
  const chain = serviceChain(service);
  const masquerade = `-A ${chain} ${comment(`${portName(service)} cluster IP`)} ${match(service)} ! -s ${POD_NETWORK} -j KUBE-MARK-MASQ`;
  const choices = service.endpoints.map((endpoint, index) => {
    const left = service.endpoints.length - index;
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    const to = comment(`${portName(service)} -> ${endpoint.address}:${endpoint.port}`);
    return `-A ${chain} ${to}${chance} -j ${endpointChains(service)[index]}`;
  });
  return [masquerade, ...choices];
};

const endpointRules = (service: GeneratedService): string[] =>
  service.endpoints.flatMap(({ address, port }, index) => {
    const rule = `-A ${endpointChains(service)[index]} ${comment(portName(service))}`;
    return [
      `${rule} -s ${address} -j KUBE-MARK-MASQ`,
      `${rule} -m tcp -p tcp -j DNAT --to-destination ${address}:${port}`,
    ];
  });

const comment = (text: string): string => `-m comment --comment "${text}"`;
const match = ({ address, port }: GeneratedService): string => `-m tcp -p tcp -d ${address} --dport ${port}`;
const portName = ({ namespace, name }: GeneratedService): string => `${namespace}/${name}:http`;

const serviceChain = (service: GeneratedService): string => `KUBE-SVC-${chainHash(portName(service))}`;
const endpointChains = (service: GeneratedService): string[] =>
  service.endpoints.map(({ address, port }) => `KUBE-SEP-${chainHash(`${portName(service)}${address}:${port}`)}`);

/** kube-proxy's are base32; these are as long and as unique. */
const chainHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16).toUpperCase();
