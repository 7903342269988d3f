// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Somebody else's programs at hooks of Shunt's. */
#include "../kernel.h"

const volatile bool allows = true;
/* Of BPF_SOCK_OPS_..._CB: when the flags are set. */
const volatile __u32 sets_flags_at = BPF_SOCK_OPS_TCP_CONNECT_CB;

SEC("cgroup/connect4")
int foreign(struct bpf_sock_addr *ctx)
{
	return allows;
}

/* Sets the callback flags of a socket as if nobody else had any. */
SEC("sockops")
int foreign_sockops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == sets_flags_at)
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_RTT_CB_FLAG);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
