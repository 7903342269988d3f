// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The decisions of choose.h, connection.h, count.h and address.h, one at a time: `BPF_PROG_TEST_RUN` takes
 * neither sock_addr nor sockops programs, but it takes these. test/bpf/ runs them.
 */
#include "../address.h"
#include "../choose.h"
#include "../connection.h"
#include "../pick/weighted.h"

struct weighted_context {
	struct frontend frontend;
	__u32 random;
	__u32 backend;
	__u32 generation;
};

/* Returns whether the frontend led to a backend. */
SEC("syscall")
int weighted(struct weighted_context *ctx)
{
	struct range range = { ctx->frontend.slot_base, ctx->frontend.slot_count };
	struct choice choice = {};
	__u32 entry;
	bool found = pick_weighted(&range, ctx->random, &entry) && take_backend(entry, &choice);

	ctx->backend = choice.backend;
	ctx->generation = choice.backend_generation;
	return found;
}

struct remembered_context {
	struct affinity_key key;
	__u64 now_ns;
	__u64 timeout_ns;
	__u32 backend; /* in: what to remember, out: what is remembered */
	__u32 generation;
};

SEC("syscall")
int remember_for(struct remembered_context *ctx)
{
	struct choice choice = {
		.backend = ctx->backend,
		.backend_generation = ctx->generation,
	};
	struct affinity_key key = ctx->key;

	remember_choice(&key, ctx->now_ns, ctx->timeout_ns, &choice);
	ctx->backend = choice.backend;
	ctx->generation = choice.backend_generation;
	return 0;
}

/* Returns whether there was one that is still good. */
SEC("syscall")
int remembered(struct remembered_context *ctx)
{
	struct choice choice = {};
	struct affinity_key key = ctx->key;
	bool found = choose_remembered(&key, ctx->now_ns, ctx->timeout_ns, &choice);

	ctx->backend = choice.backend;
	ctx->generation = choice.backend_generation;
	return found;
}

struct owner_context {
	__u64 owner; /* in: whose the place is, out: whose it is then */
	__u64 cookie;
};

/* Returns whether the place was given back. */
SEC("syscall")
int given_back(struct owner_context *ctx)
{
	struct connection_set *set = connection_home(0);
	bool given;

	if (!set)
		return false;
	set->cookie[0] = ctx->owner;
	given = give_back(&set->cookie[0], ctx->cookie);
	ctx->owner = set->cookie[0];
	return given;
}

struct latency_context {
	__u64 ns;
};

SEC("syscall")
int latency(struct latency_context *ctx)
{
	return latency_bucket(ctx->ns);
}

struct address_context {
	struct address address;
	struct address other;
	__be32 ipv4;
};

SEC("syscall")
int family(struct address_context *ctx)
{
	return address_family(&ctx->address);
}

SEC("syscall")
int equal(struct address_context *ctx)
{
	return address_equal(&ctx->address, &ctx->other);
}

SEC("syscall")
int from_ipv4(struct address_context *ctx)
{
	ctx->address = address_from_ipv4(ctx->ipv4);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
