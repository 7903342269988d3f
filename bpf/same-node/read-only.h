/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SHUNT_SAME_NODE_READ_ONLY_H
#define SHUNT_SAME_NODE_READ_ONLY_H

#include "tables.h"

extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym;

/* What lies at an address that may hold something else by now: to read it is safe, and may give anything. */
#define READ_ONLY(address, type)                                       \
	((const struct type *)bpf_rdonly_cast((const void *)(address), \
					      bpf_core_type_id_kernel(struct type)))

#endif
