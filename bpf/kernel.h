/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this code needs of the kernel beyond its UAPI: relocated by CO-RE when the object is
 * loaded, so that only names have to be right here, not offsets.
 */
#ifndef SHUNT_KERNEL_H
#define SHUNT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

/* Keeps the compiler from sharing one load between fields: the verifier wants each at its place. */
#define READ_CONTEXT(field) (*(const volatile typeof(field) *)&(field))

struct sock_common {
	unsigned long skc_flags;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	int sk_err;
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u32 snd_una;
	__u32 write_seq;
} __attribute__((preserve_access_index));

enum sock_flags {
	SOCK_DONE = 1,
};

#endif
