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
#include <linux/in6.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NS_PER_S 1000000000ULL

#define AF_INET 2
#define AF_INET6 10

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40 /* the kernel adds it for O_NONBLOCK */
#define MSG_WAITALL 0x100
#define MSG_ERRQUEUE 0x2000

/*
 * A call that the verifier looks at once, and not again on each path that leads to it: their number is
 * the product of all that may be so or otherwise. Kernels before 5.12 know that only of calls that take
 * numbers. What such a call is given may be NULL, as far as the verifier knows.
 */
#ifdef SHUNT_NO_CMPXCHG
#define APART static __noinline __attribute__((unused))
#else
#define APART __noinline
#endif

/*
 * One load, here. Of a context, because the verifier wants each field loaded at its place; of what
 * others write meanwhile, because what was looked at is what is used.
 */
#define READ_ONCE(field) (*(const volatile typeof(field) *)&(field))

struct sock_common {
	unsigned long skc_flags;
	__be32 skc_daddr;
	struct in6_addr skc_v6_daddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct {
		__s64 counter;
	} skc_cookie;
} __attribute__((preserve_access_index));

struct file {
	unsigned int f_flags;
} __attribute__((preserve_access_index));

struct list_head {
	struct list_head *next;
} __attribute__((preserve_access_index));

struct socket {
	struct file *file;
	struct sock *sk;
	struct {
		struct {
			struct list_head head;
		} wait;
	} wq;
} __attribute__((preserve_access_index));

struct wait_queue_entry {
	struct list_head entry;
} __attribute__((preserve_access_index));

struct epitem {
	struct {
		struct file *file;
	} ffd;
	struct {
		__u32 events;
	} event;
} __attribute__((preserve_access_index));

/* What epoll waits with, fs/eventpoll.c. */
struct eppoll_entry {
	struct epitem *base;
	struct wait_queue_entry wait;
} __attribute__((preserve_access_index));

struct kernfs_node {
	__u64 id;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} __attribute__((preserve_access_index));

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	int sk_rcvbuf;
	int sk_rcvlowat;
	int sk_peek_off;
	__u32 sk_tsflags;
	unsigned short sk_protocol;
	unsigned char sk_shutdown;
	struct {
		int owned;
	} sk_lock;
	struct {
		struct {
			int counter;
		} rmem_alloc;
	} sk_backlog;
	struct socket *sk_socket;
	void *sk_user_data;
	const void *sk_bpf_storage;
	struct {
		struct cgroup *cgroup;
	} sk_cgrp_data;
} __attribute__((preserve_access_index));

/* `cb` is a struct tcp_skb_cb while TCP looks at it: sequence numbers come first. */
struct sk_buff {
	unsigned int len;
	char cb[48];
} __attribute__((preserve_access_index));

/* What a socket has while it is in a sockmap. */
struct sk_psock {
	struct {
		struct {
			int counter;
		} refs;
	} refcnt;
} __attribute__((preserve_access_index));

/* Of x86-64. Other processors have none of these fields. */
struct pt_regs {
	unsigned long r10;
	unsigned long ax;
	unsigned long dx;
	unsigned long orig_ax;
} __attribute__((preserve_access_index));

struct inet_connection_sock {
	const void *icsk_ulp_ops;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 rcv_nxt;
	__u32 write_seq;
	__u32 copied_seq;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 total_retrans;
	__u32 srtt_us; /* eightfold */
	bool is_mptcp;
	__u8 recvmsg_inq : 1;
	__u8 repair : 1;
	__u64 tcp_mstamp;      /* of the last segment that came or went, in microseconds */
	__u64 first_tx_mstamp; /* when what was acknowledged last, or is under way, was sent */
	struct {
		__u64 time;
	} rcvq_space; /* of the handshake, until the application reads something */
} __attribute__((preserve_access_index));

struct netns_ipv4 {
	__u8 sysctl_tcp_syn_linear_timeouts;
} __attribute__((preserve_access_index));

/* Read with bpf_core_enum_value(), except for the first, which never changed. */
enum sock_flags {
	SOCK_DONE = 1,
	SOCK_URGINLINE,
	SOCK_RCVTSTAMP,
	SOCK_RCVTSTAMPNS,
	SOCK_ZEROCOPY,
};

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} __attribute__((preserve_access_index));

struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
} __attribute__((preserve_access_index));

#endif
