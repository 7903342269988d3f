import type { Family } from './objects.ts';

/**
 * IP addresses as text and as 16 bytes. Canonical text is RFC 5952 for IPv6 (lower case, the longest run of two or more
 * zero words as `::`) and plain dotted decimal for IPv4; equal addresses have equal canonical texts. The bytes are those
 * of `struct address` in bpf/abi.h: IPv4 as ::ffff:a.b.c.d.
 */
export type ParsedAddress = { readonly family: Family; readonly text: string } | { readonly problem: string };

/** Reads an address as strictly as Kubernetes validates new ones: no leading zeros, no zone, no IPv4-mapped IPv6. */
export const parseAddress = (text: string): ParsedAddress => {
  if (!text.includes(':')) {
    const value = parseIPv4(text, 0);
    return value === undefined ? { problem: problemOfIPv4(text) } : { family: 4, text };
  }
  if (text.includes('%')) {
    return { problem: `"${text}" has a zone; a Service or an endpoint is reached by its address alone` };
  }
  if (!parseIPv6(text)) {
    return { problem: `"${text}" is not an IP address` };
  }
  if (isMapped()) {
    const plain = formatIPv4(words[6] as number, words[7] as number);
    return { problem: `"${text}" is an IPv4-mapped IPv6 address, which Kubernetes refuses; write "${plain}"` };
  }
  // The same string again where possible: 100,000 addresses need not exist twice.
  return { family: 6, text: isCanonical() ? text : formatIPv6() };
};

/** Writes 16 bytes at `offset`. The text must be an address, of any spelling. */
export const toBytes = (address: string, target: Uint8Array, offset: number): void => {
  if (!parseInto(address)) {
    throw new RangeError(`not an IP address: ${address}`);
  }
  for (let index = 0; index < WORDS; index++) {
    const word = words[index] as number;
    target[offset + 2 * index] = word >>> 8;
    target[offset + 2 * index + 1] = word & 0xff;
  }
};

/** Canonical text of the 16 bytes at `offset`; v4-mapped ones are IPv4. */
export const fromBytes = (bytes: Uint8Array, offset: number): string => {
  for (let index = 0; index < WORDS; index++) {
    words[index] = ((bytes[offset + 2 * index] as number) << 8) | (bytes[offset + 2 * index + 1] as number);
  }
  return isMapped() ? formatIPv4(words[6] as number, words[7] as number) : formatIPv6();
};

/**
 * Why an address may not be the target or the name of a Service, or undefined. The API server refuses unspecified,
 * loopback, link-local and link-local multicast endpoints (ValidateNonSpecialIP), because they would lead into the
 * node itself, to the cloud's metadata service for one. Other multicast and broadcast have no single answering side.
 */
export const specialRange = (address: string): string | undefined => {
  if (!parseInto(address)) {
    throw new RangeError(`not an IP address: ${address}`);
  }
  return isMapped() ? specialRangeOfIPv4(words[6] as number) : specialRangeOfIPv6();
};

const WORDS = 8;

/** The address in work, as eight 16-bit words. Nothing reads it across two calls. */
const words = new Uint16Array(WORDS);

/** How the IPv6 text in work was written: each word as short as can be, and which words `::` stood for. */
const spelling = { isShort: true, gapStart: WORDS, gapEnd: WORDS };

const parseInto = (text: string): boolean => {
  if (text.includes(':')) {
    return parseIPv6(text);
  }
  const value = parseIPv4(text, 0);
  if (value === undefined) {
    return false;
  }
  words.fill(0, 0, 5);
  words[5] = 0xffff;
  words[6] = value >>> 16;
  words[7] = value & 0xffff;
  return true;
};

/** Dotted decimal from `start` to the end, as an unsigned 32-bit number. */
const parseIPv4 = (text: string, start: number): number | undefined => {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) {
        return undefined;
      }
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      continue;
    }
    if (code < ZERO || code > NINE || (digits > 0 && octet === 0)) {
      return undefined;
    }
    octet = octet * 10 + code - ZERO;
    digits++;
    if (octet > 255) {
      return undefined;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : undefined;
};

/** Fills `words`; false when the text is no IPv6 address. */
const parseIPv6 = (text: string): boolean => {
  let count = 0;
  let gap = -1;
  let index = 0;
  spelling.isShort = true;
  if (text.startsWith('::')) {
    gap = 0;
    index = 2;
  }
  while (index < text.length) {
    if (count === WORDS) {
      return false;
    }
    const start = index;
    let word = 0;
    let code = text.charCodeAt(index);
    let digit = hexDigit(code);
    while (digit >= 0 && index - start < 4) {
      spelling.isShort &&= code <= NINE || code >= LOWER_A;
      word = word * 16 + digit;
      code = text.charCodeAt(++index);
      digit = hexDigit(code);
    }
    if (text.charCodeAt(index) === DOT) {
      return endWithIPv4(text, start, count, gap);
    }
    if (index === start) {
      return false;
    }
    spelling.isShort &&= index - start === digitsOf(word);
    words[count++] = word;
    if (index === text.length) {
      break;
    }
    if (text.charCodeAt(index++) !== COLON || index === text.length) {
      return false;
    }
    if (text.charCodeAt(index) === COLON) {
      if (gap >= 0) {
        return false;
      }
      gap = count;
      index++;
    }
  }
  return openGap(count, gap);
};

/** `64:ff9b::10.1.2.3`: the last two words as IPv4. */
const endWithIPv4 = (text: string, start: number, count: number, gap: number): boolean => {
  const value = parseIPv4(text, start);
  if (value === undefined || count > WORDS - 2) {
    return false;
  }
  words[count] = value >>> 16;
  words[count + 1] = value & 0xffff;
  spelling.isShort = false;
  return openGap(count + 2, gap);
};

/** Moves the words after `::` to the end. A gap stands for at least one word. */
const openGap = (count: number, gap: number): boolean => {
  if (gap < 0 || count === WORDS) {
    spelling.gapStart = WORDS;
    spelling.gapEnd = WORDS;
    return gap < 0 && count === WORDS;
  }
  spelling.gapStart = gap;
  spelling.gapEnd = WORDS - (count - gap);
  words.copyWithin(spelling.gapEnd, gap, count);
  words.fill(0, gap, spelling.gapEnd);
  return true;
};

const formatIPv4 = (high: number, low: number): string => `${high >>> 8}.${high & 0xff}.${low >>> 8}.${low & 0xff}`;

const isCanonical = (): boolean => {
  const gap = longestGap();
  return spelling.isShort && spelling.gapStart === gap.start && spelling.gapEnd === gap.end;
};

const formatIPv6 = (): string => {
  const { start, end } = longestGap();
  return start === end ? hex(0, WORDS) : `${hex(0, start)}::${hex(end, WORDS)}`;
};

/** RFC 5952, section 4: two or more words of zero; of equally long runs the first. */
const longestGap = (): { readonly start: number; readonly end: number } => {
  let start = WORDS;
  let length = 1;
  for (let index = 0; index < WORDS; index++) {
    const from = index;
    while (index < WORDS && words[index] === 0) {
      index++;
    }
    if (index - from > length) {
      start = from;
      length = index - from;
    }
  }
  return start === WORDS ? { start, end: WORDS } : { start, end: start + length };
};

const hex = (from: number, to: number): string => {
  const parts: string[] = [];
  for (let index = from; index < to; index++) {
    parts.push((words[index] as number).toString(16));
  }
  return parts.join(':');
};

const isMapped = (): boolean =>
  words[5] === 0xffff && words[4] === 0 && words[3] === 0 && words[2] === 0 && words[1] === 0 && words[0] === 0;

const specialRangeOfIPv4 = (high: number): string | undefined => {
  const first = high >>> 8;
  if (high === 0 && words[7] === 0) {
    return 'unspecified';
  }
  if (first === 127) {
    return 'loopback (127.0.0.0/8)';
  }
  if (high === 0xa9fe) {
    return 'link-local (169.254.0.0/16)';
  }
  if (first >= 224 && first <= 239) {
    return 'multicast (224.0.0.0/4)';
  }
  return high === 0xffff && words[7] === 0xffff ? 'broadcast' : undefined;
};

const specialRangeOfIPv6 = (): string | undefined => {
  const first = words[0] as number;
  const rest = words.subarray(0, 7).every((word) => word === 0);
  if (rest && words[7] === 0) {
    return 'unspecified';
  }
  if (rest && words[7] === 1) {
    return 'loopback (::1)';
  }
  if ((first & 0xffc0) === 0xfe80) {
    return 'link-local (fe80::/10)';
  }
  return first >>> 8 === 0xff ? 'multicast (ff00::/8)' : undefined;
};

const problemOfIPv4 = (text: string): string =>
  /^\d+(\.\d+){3}$/.test(text) && /(^|\.)0\d/.test(text)
    ? `"${text}" has a leading zero, which some programs read as octal`
    : `"${text}" is not an IP address`;

const digitsOf = (word: number): number => (word > 0xfff ? 4 : word > 0xff ? 3 : word > 0xf ? 2 : 1);

const hexDigit = (code: number): number => {
  if (code >= ZERO && code <= NINE) {
    return code - ZERO;
  }
  const lower = code | 0x20;
  return lower >= LOWER_A && lower <= LOWER_F ? lower - LOWER_A + 10 : -1;
};

const DOT = 46;
const COLON = 58;
const ZERO = 48;
const NINE = 57;
const LOWER_A = 97;
const LOWER_F = 102;
