import type { Host } from './host.ts';

/** Numbers of capabilities(7), include/uapi/linux/capability.h. */
export const CAP = { NET_ADMIN: 12n, SYS_ADMIN: 21n, SYS_RESOURCE: 24n } as const;

/** Effective capabilities as a bit set. */
export const capabilities = (host: Host): bigint => {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(host.read('/proc/self/status') ?? '')?.[1] ?? '0';
  return BigInt(`0x${digits}`);
};

export const has = (set: bigint, capability: bigint): boolean => (set & (1n << capability)) !== 0n;
