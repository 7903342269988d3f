// SPDX-License-Identifier: Apache-2.0
/* What the tests of the shim and of its TypeScript caller load. */
#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 factor = 2;
const volatile __u16 addend = 0;

struct record {
	__u64 first;
	__u64 second;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct record);
} memory SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

/* A type without batch calls. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct context {
	__u32 input;
	__u32 output;
};

SEC("syscall")
int calculate(struct context *context)
{
	context->output = context->input * factor + addend;
	return context->input;
}

/* Sums up what user space wrote, so that the tests see its stores through the kernel's eyes. */
SEC("syscall")
int sum_memory(struct context *context)
{
	__u32 key = context->input;
	struct record *record = bpf_map_lookup_elem(&memory, &key);

	if (!record)
		return -1;
	context->output = record->first + record->second;
	record->first = 0;
	return 0;
}

/* Numbers from 0 on into the ring, as far as there is room. */
SEC("syscall")
int fill_ring(struct context *context)
{
	__u32 n = context->input;

	for (__u64 number = 0; number < 4096 && number < n; number++)
		if (!bpf_ringbuf_output(&ring, &number, sizeof(number), 0))
			context->output++;
	return 0;
}

SEC("cgroup/connect4")
int allow(struct bpf_sock_addr *context)
{
	__u32 key = 0;

	bpf_map_lookup_elem(&table, &key);
	return 1;
}

SEC("cgroup/connect4")
int allow_too(struct bpf_sock_addr *context)
{
	return 1;
}

/* Never loaded but by the test that wants it: needs autoload. */
SEC("?cgroup/connect4")
int spare(struct bpf_sock_addr *context)
{
	return 1;
}

static int pass_time(__u32 turn, void *unused)
{
	bpf_get_prandom_u32();
	return 0;
}

/* Stays for some 100 ms, and shows in memory[0] that it has begun and that it has ended. */
SEC("?cgroup/connect4")
int linger(struct bpf_sock_addr *context)
{
	__u32 key = 0;
	struct record *record = bpf_map_lookup_elem(&memory, &key);

	if (!record)
		return 1;
	record->first = 1;
	for (int i = 0; i < 4; i++)
		bpf_loop(1 << 20, pass_time, NULL, 0);
	record->second = 1;
	return 1;
}

char LICENSE[] SEC("license") = "Apache-2.0";
