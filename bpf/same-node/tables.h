/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of sockets that may be joined, and of those that are. */
#ifndef SHUNT_SAME_NODE_TABLES_H
#define SHUNT_SAME_NODE_TABLES_H

#include "../address.h"

/* A connection as one of its ends names it. */
struct flow {
	struct address local;
	struct address remote;
	__be16 local_port;
	__be16 remote_port;
	__u32 zero;
};

/* Remembered in the socket itself, from its establishment to its end. */
struct candidate {
	struct flow peer; /* as the other end names it */
	__u64 cookie;
	__u64 since_ns;	  /* when it was joined, or became unfit */
	__u64 bytes_read; /* by the application */
	struct redirected_key account;
	__u32 first_seq;  /* where the stream that it reads begins, or what is seen of it */
	__u32 generation; /* of the table of ends, by which it was wanted */
	__u32 plain_reads;
	__u32 unfit;	       /* enum unfit */
	__u32 small_unread;    /* small messages since the peer had read all; or fewer are */
	__u16 sent, fell_back; /* messages since they were last weighed */
	__u8 client;	       /* it connected; the other end accepted */
	__u8 wanted;
	__u8 joined;
	__u8 published;	   /* so that the other end finds it */
	__u8 doubted;	   /* its bytes did not add up once, which a read under way explains */
	__u8 sends_by_tcp; /* for good */
	__u8 measured;	   /* the Service that it asked, if it did, as is known with `generation` */
	__u8 unseen;	 /* it was established when reads were not seen, and none has been since */
	__u8 read_short; /* its last read, before it was ripe */
	__u8 reads_on;	 /* how often it has read on after such a read, before it was ripe */
	__u8 unclear;	 /* how often it was not clear who waits for it */
	__u8 zero[5];
};

/* A joined socket, as the other end finds it. */
struct peer {
	__u64 cookie;
	__u64 sock; /* address of its struct tcp_sock; the cookie tells whether it still is that one */
	struct redirected_key account;
	__u32 unfit;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct end_key);
	__type(value, __u32);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct same_node_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct candidate);
} candidates SEC(".maps");

/* By socket cookie: no two sockets ever have the same, whatever ports they use again. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} joined SEC(".maps");

/* What has ended is pushed out some day. What is pushed out too early goes by TCP. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct peer);
} peers SEC(".maps");

/*
 * Sockets that never will be joined, as they name their connection, and why. Each end forgets it when it
 * is established: ports are used again. The other end ripens soon, or finds out by what falls back.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow);
	__type(value, __u32);
} unjoinable SEC(".maps");

/* Cgroups that had a joined socket become unfit, and why. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} demoted SEC(".maps");

/*
 * What was redirected, and how much of that the agent has added to the counters of Services and
 * backends, and had added to those of callers: there it alone writes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct redirected_key);
	__type(value, struct redirected);
} redirected SEC(".maps"), accounted SEC(".maps");

/* Services whose first responses are measured. Written by the agent: the value means nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct measured_key);
	__type(value, __u32);
} measured SEC(".maps");

/* First responses that were redirected, and how much of that the agent has added to the counters of Services. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct measured_key);
	__type(value, struct answers);
} answers SEC(".maps"), answers_accounted SEC(".maps");

/* How many sockets have shown that they can be joined, or must be looked at once more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ripened SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct same_node_stats);
} same_node_stats SEC(".maps");

static __always_inline const struct same_node_control *read_control(void)
{
	__u32 index = 0;

	return bpf_map_lookup_elem(&control, &index);
}

static __always_inline bool is_measuring(void)
{
	const struct same_node_control *control = read_control();

	return control && control->measuring;
}

static __always_inline struct same_node_stats *own_stats(void)
{
	__u32 index = 0;

	return bpf_map_lookup_elem(&same_node_stats, &index);
}

/* The agent sees it, and has the walk of join.h done. */
static __always_inline void ask_for_walk(void)
{
	__u32 index = 0;
	__u64 *count = bpf_map_lookup_elem(&ripened, &index);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline struct flow reversed(const struct flow *flow)
{
	return (struct flow){ .local = flow->remote,
			      .remote = flow->local,
			      .local_port = flow->remote_port,
			      .remote_port = flow->local_port };
}

#endif
