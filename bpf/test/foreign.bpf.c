// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Somebody else's program at a hook of Shunt's. */
#include "../kernel.h"

const volatile bool allows = true;

SEC("cgroup/connect4")
int foreign(struct bpf_sock_addr *ctx)
{
	return allows;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
