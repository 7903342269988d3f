/** IP protocols as records have them. 0 is no protocol that anything connects with. */
export const PROTOCOL_NUMBER = { TCP: 6, UDP: 17, ANY: 0 } as const;

export const protocolName = (number: number | undefined): 'TCP' | 'UDP' =>
  number === PROTOCOL_NUMBER.UDP ? 'UDP' : 'TCP';
