/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a socket must be for reading joined to be the same as reading by TCP. */
#ifndef SHUNT_SAME_NODE_FIT_H
#define SHUNT_SAME_NODE_FIT_H

#include "tables.h"

#define O_NONBLOCK 04000

/* Bits of skc_flags, from enum sock_flags. */
#define FLAG(flag) (1UL << bpf_core_enum_value(enum sock_flags, flag))

/* A joined socket's read returns EAGAIN at any wake-up without data: only a non-blocking one expects it. */
static __always_inline bool is_nonblocking(const struct sock *sk)
{
	const struct socket *socket = sk->sk_socket;
	const struct file *file = socket ? socket->file : NULL;

	return file && file->f_flags & O_NONBLOCK;
}

/* Nobody tells a joined socket's sender that what it lent has been sent. */
static __always_inline bool has_zero_copy(const struct sock *sk)
{
	return sk->__sk_common.skc_flags & FLAG(SOCK_ZEROCOPY);
}

/*
 * Options that a joined socket's read or its sender ignores: time stamps, urgent data in line, zero-copy,
 * TLS, MPTCP, repair, SO_RCVLOWAT, SO_PEEK_OFF and TCP_INQ. They can be set at any time.
 */
static __always_inline bool has_plain_options(const struct tcp_sock *tcp)
{
	const struct sock *sk = (const struct sock *)tcp;
	unsigned long odd = FLAG(SOCK_ZEROCOPY) | FLAG(SOCK_URGINLINE) | FLAG(SOCK_RCVTSTAMP) |
			    FLAG(SOCK_RCVTSTAMPNS);

	if (sk->__sk_common.skc_flags & odd || sk->sk_tsflags)
		return false;
	if (tcp->inet_conn.icsk_ulp_ops || tcp->is_mptcp || BPF_CORE_READ_BITFIELD(tcp, repair))
		return false;
	return sk->sk_rcvlowat <= 1 && sk->sk_peek_off < 0 &&
	       !BPF_CORE_READ_BITFIELD(tcp, recvmsg_inq);
}

#endif
