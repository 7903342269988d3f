/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* getpeername() answers what was asked for: libceph, NFS clients and JVMs compare. */
#ifndef SHUNT_HOOKS_GETPEERNAME_H
#define SHUNT_HOOKS_GETPEERNAME_H

#include "../peer.h"

SEC("cgroup/getpeername4")
int shunt_getpeername4(struct bpf_sock_addr *ctx)
{
	show_service(ctx, AF_INET, bpf_get_socket_cookie(ctx));
	return 1;
}

SEC("cgroup/getpeername6")
int shunt_getpeername6(struct bpf_sock_addr *ctx)
{
	show_service(ctx, AF_INET6, bpf_get_socket_cookie(ctx));
	return 1;
}

#endif
