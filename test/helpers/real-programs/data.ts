import { createCipheriv } from 'node:crypto';

/** As many bytes as that, none like its neighbours and the same at each call: a byte that is lost or swapped shows. */
export const dataOf = (size: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, 'shunt'), Buffer.alloc(16)).update(Buffer.alloc(size));

export const MB = 1 << 20;
