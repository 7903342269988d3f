/** Hooks of a cgroup that programs attach to: `enum bpf_attach_type` in linux/bpf.h. */
export const ATTACH_TYPES = {
  sockops: 3,
  connect4: 10,
  connect6: 11,
  sendmsg4: 14,
  sendmsg6: 15,
  recvmsg4: 19,
  recvmsg6: 20,
  getpeername4: 29,
  getpeername6: 30,
  getsockname4: 31,
  getsockname6: 32,
  sock_release: 34,
} as const;

export type AttachType = keyof typeof ATTACH_TYPES;
