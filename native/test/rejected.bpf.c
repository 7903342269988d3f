// SPDX-License-Identifier: Apache-2.0
/* A program that the verifier must refuse. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} table SEC(".maps");

SEC("syscall")
int unchecked(void *context)
{
	__u32 key = 0;
	__u32 *value = bpf_map_lookup_elem(&table, &key);

	return *value;
}

char LICENSE[] SEC("license") = "Apache-2.0";
