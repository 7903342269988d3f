import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { run } from '../command.ts';
import type { Contender } from '../contender.ts';
import type { GeneratedService } from '../generate.ts';
import { POD_NETWORK } from '../node.ts';

/**
 * Rules as kube-proxy's nftables mode writes them (pkg/proxy/nftables/README.md): one lookup in a verdict map leads to
 * the chain of the Service, which chooses by a random number, and that to the chain of an endpoint, which translates.
 */
export const nftables: Contender = {
  name: 'nftables',
  describe: async () => `kube-proxy's verdict maps, ${(await run('nft', ['--version'])).trim()}`,
  paths: ['pods'],
  ownNode: true,
  setUp: async ({ node, services }) => {
    const transactions = renderTransactions(services);
    const startedMs = performance.now();
    for (const rules of transactions) {
      await run('ip', ['netns', 'exec', node.namespaces.node, 'nft', '-f', '-'], rules);
    }
    return {
      programmedMs: performance.now() - startedMs,
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      // The rules go with the namespace.
      [Symbol.asyncDispose]: async () => {},
    };
  },
};

/** The time of one transaction grows with its square and more: 10,000 Services in one took over a minute. */
const SERVICES_PER_TRANSACTION = 1000;

const renderTransactions = (services: readonly GeneratedService[]): string[] => {
  const transactions = [base];
  for (let first = 0; first < services.length; first += SERVICES_PER_TRANSACTION) {
    const some = services.slice(first, first + SERVICES_PER_TRANSACTION);
    transactions.push([...some.flatMap(chains), ...some.flatMap(rules), ...some.flatMap(elements)]);
  }
  return transactions.map((lines) => `${lines.join('\n')}\n`);
};

const TABLE = 'ip kube-proxy';

const base: readonly string[] = [
  `add table ${TABLE}`,
  ...[
    'cluster-ips-check',
    'filter-forward { type filter hook forward priority 0 ; }',
    'filter-input { type filter hook input priority 0 ; }',
    'filter-output { type filter hook output priority 0 ; }',
    'filter-output-pre-dnat { type filter hook output priority -110 ; }',
    'filter-prerouting-pre-dnat { type filter hook prerouting priority -110 ; }',
    'firewall-check',
    'mark-for-masquerade',
    'masquerading',
    'nat-output { type nat hook output priority -100 ; }',
    'nat-postrouting { type nat hook postrouting priority 100 ; }',
    'nat-prerouting { type nat hook prerouting priority -100 ; }',
    'nodeport-endpoints-check',
    'reject-chain',
    'service-endpoints-check',
    'services',
  ].map((chain) => `add chain ${TABLE} ${chain}`),
  `add set ${TABLE} cluster-ips { type ipv4_addr ; }`,
  `add set ${TABLE} nodeport-ips { type ipv4_addr ; }`,
  ...['firewall-ips', 'no-endpoint-services', 'service-ips'].map(
    (map) => `add map ${TABLE} ${map} { type ipv4_addr . inet_proto . inet_service : verdict ; }`,
  ),
  ...['no-endpoint-nodeports', 'service-nodeports'].map(
    (map) => `add map ${TABLE} ${map} { type inet_proto . inet_service : verdict ; }`,
  ),
  ...[
    'cluster-ips-check ip daddr @cluster-ips reject',
    'cluster-ips-check ip daddr { 10.96.0.0/12 } drop',
    'filter-prerouting-pre-dnat ct state new jump firewall-check',
    'filter-forward ct state new jump service-endpoints-check',
    'filter-forward ct state new jump cluster-ips-check',
    'filter-input ct state new jump nodeport-endpoints-check',
    'filter-input ct state new jump service-endpoints-check',
    'filter-output ct state new jump service-endpoints-check',
    'filter-output-pre-dnat ct state new jump firewall-check',
    'filter-output ct state new jump cluster-ips-check',
    'firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips',
    'mark-for-masquerade mark set mark or 0x4000',
    'masquerading mark and 0x4000 == 0 return',
    'masquerading mark set mark xor 0x4000',
    'masquerading masquerade fully-random',
    'nat-output jump services',
    'nat-postrouting jump masquerading',
    'nat-prerouting jump services',
    'nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports',
    'reject-chain reject',
    'services ip daddr . meta l4proto . th dport vmap @service-ips',
    'services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports',
    'service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
  ].map((rule) => `add rule ${TABLE} ${rule}`),
];

const chains = (service: GeneratedService): string[] =>
  [serviceChain(service), ...endpointChains(service)].map((chain) => `add chain ${TABLE} ${chain}`);

const rules = (service: GeneratedService): string[] => {
  const { address, port, endpoints } = service;
  const ways = endpointChains(service);
  const choices = ways.map((chain, index) => `${index} : goto ${chain}`).join(' , ');
  return [
    `${serviceChain(service)} ip daddr ${address} tcp dport ${port} ip saddr != ${POD_NETWORK} jump mark-for-masquerade`,
    `${serviceChain(service)} numgen random mod ${ways.length} vmap { ${choices} }`,
    ...endpoints.flatMap((endpoint, index) => [
      `${ways[index]} ip saddr ${endpoint.address} jump mark-for-masquerade`,
      `${ways[index]} meta l4proto tcp dnat to ${endpoint.address}:${endpoint.port}`,
    ]),
  ].map((rule) => `add rule ${TABLE} ${rule}`);
};

const elements = (service: GeneratedService): string[] => [
  `add element ${TABLE} cluster-ips { ${service.address} }`,
  `add element ${TABLE} service-ips { ${service.address} . tcp . ${service.port} : goto ${serviceChain(service)} }`,
];

const serviceChain = (service: GeneratedService): string =>
  `service-${chainHash(portName(service))}-${portName(service)}`;

const endpointChains = (service: GeneratedService): string[] =>
  service.endpoints.map(({ address, port }) => {
    const name = `${portName(service)}__${address}/${port}`;
    return `endpoint-${chainHash(name)}-${name}`;
  });

const portName = ({ namespace, name }: GeneratedService): string => `${namespace}/${name}/tcp/http`;

/** kube-proxy's are base32; these are as long. */
const chainHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();
