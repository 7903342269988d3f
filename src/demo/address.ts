import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { ShuntError } from '../errors.ts';

/** The address plan of an embedded node, like that of kubeadm: pods, Services, and the node on its own bridge. */
export const POD_NETWORK4 = '10.244.0.0/16';
export const POD_NETWORK6 = 'fd00:10:244::/48';
export const SERVICE_NETWORK4 = '10.96.0.0/12';
export const SERVICE_NETWORK6 = 'fd00:10:96::/108';
export const NODE_ADDRESS4 = '10.244.0.1';
export const NODE_ADDRESS6 = 'fd00:10:244::1';

export interface PodAddresses {
  readonly address4: string;
  readonly address6: string;
}

/** Gives out pod addresses: 10.244.1.1, 10.244.1.2, ... with fd00:10:244:1::1 and so on beside them. */
export class AddressBook {
  readonly #used = new Set<string>([NODE_ADDRESS4, NODE_ADDRESS6]);

  take(wanted: { readonly ipv4?: string; readonly ipv6?: string }): PodAddresses {
    const address4 = wanted.ipv4 ?? this.#next();
    const [, , x, y] = address4.split('.');
    const address6 = canonical6(wanted.ipv6 ?? `fd00:10:244:${x}::${y}`);
    for (const address of [address4, address6]) {
      if (!isPodAddress(address)) throw refused(address, `is not in ${POD_NETWORK4} or ${POD_NETWORK6}`);
      if (this.#used.has(address)) throw refused(address, 'is taken');
    }
    this.#used.add(address4).add(address6);
    return { address4, address6 };
  }

  give(back: PodAddresses): void {
    this.#used.delete(back.address4);
    this.#used.delete(back.address6);
  }

  #next(): string {
    for (let n = 0; n < 250 * 254; n += 1) {
      const address = `10.244.${1 + Math.floor(n / 254)}.${1 + (n % 254)}`;
      if (!this.#used.has(address)) return address;
    }
    throw refused(POD_NETWORK4, 'has no free address');
  }
}

/** Made from the IPv4 address, so that a pod that comes back with an address is where its neighbours remember it. */
export const hardwareAddress = (address4: string): string =>
  `02:00:${address4
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join(':')}`;

const podNetworks = new BlockList();
podNetworks.addSubnet('10.244.0.0', 16, 'ipv4');
podNetworks.addSubnet('fd00:10:244::', 48, 'ipv6');

const isPodAddress = (address: string): boolean =>
  (isIPv4(address) && podNetworks.check(address, 'ipv4')) || (isIPv6(address) && podNetworks.check(address, 'ipv6'));

/** The shortest spelling, by the URL standard (RFC 5952). */
const canonical6 = (address: string): string =>
  isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

const refused = (address: string, reason: string): ShuntError =>
  new ShuntError('SHUNT_E_NODE', { step: 'giving a pod its address', detail: `${address} ${reason}` });
