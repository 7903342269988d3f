// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The ways of choosing of pick/ and what they go by, one at a time; test/bpf/picks.test.ts runs them. */
#include "../endpoint.h"

struct pick_context {
	struct range range;
	__u64 turn;
	__u32 random;
	__u32 other_random;
	__u32 now;
	__u32 hash;
	__u32 entry;
};

/* All of these return whether there was one. */
SEC("syscall")
int in_turn(struct pick_context *ctx)
{
	struct range range = ctx->range;
	__u32 entry = 0;
	bool picked = pick_in_turn(&range, ctx->turn, &entry);

	ctx->entry = entry;
	return picked;
}

SEC("syscall")
int least_of_all(struct pick_context *ctx)
{
	struct range range = ctx->range;
	__u32 entry = 0;
	bool picked = pick_least_of_all(&range, ctx->random, &entry);

	ctx->entry = entry;
	return picked;
}

SEC("syscall")
int least_of_two(struct pick_context *ctx)
{
	struct range range = ctx->range;
	__u32 entry = 0;
	bool picked = pick_least_of_two(&range, ctx->random, ctx->other_random, &entry);

	ctx->entry = entry;
	return picked;
}

SEC("syscall")
int cheaper_of_two(struct pick_context *ctx)
{
	struct range range = ctx->range;
	__u32 entry = 0;
	bool picked = pick_cheaper_of_two(&range, ctx->random, ctx->other_random, ctx->now, &entry);

	ctx->entry = entry;
	return picked;
}

SEC("syscall")
int by_hash(struct pick_context *ctx)
{
	struct range range = ctx->range;
	__u32 entry = 0;
	bool picked = pick_by_hash(&range, ctx->hash, &entry);

	ctx->entry = entry;
	return picked;
}

struct turn_context {
	__u32 service;
	__u32 ipv6;
	__u64 turn;
};

SEC("syscall")
int next_turn(struct turn_context *ctx)
{
	__u64 turn = 0;
	bool taken = take_turn(ctx->service, ctx->ipv6, &turn);

	ctx->turn = turn;
	return taken;
}

struct arm_context {
	struct range range; /* in: of arms, out: of the arm */
	__u32 service;
	__u32 algorithm;
};

/* Returns an enum route. */
SEC("syscall")
int through_arm(struct arm_context *ctx)
{
	struct range range = ctx->range;
	const struct service *rule = NULL;
	__u32 service = 0;
	enum route route = take_arm(&range, &rule, &service);

	ctx->range = range;
	ctx->service = service;
	if (route == ROUTE_SEND && rule)
		ctx->algorithm = rule->algorithm;
	return route;
}

struct sample_context {
	__u64 us; /* in: a sample, out: what the backend is taken to need */
	__u32 backend;
	__u32 now;
	__u32 raise_only;
};

SEC("syscall")
int sample(struct sample_context *ctx)
{
	__u32 backend = ctx->backend;
	struct backend_stats *stats = bpf_map_lookup_elem(&backend_stats, &backend);

	if (!stats)
		return false;
	ewma_sample(stats, ctx->us, ctx->now, ctx->raise_only);
	return true;
}

SEC("syscall")
int taken_to_need(struct sample_context *ctx)
{
	__u32 backend = ctx->backend;
	struct backend_stats *stats = bpf_map_lookup_elem(&backend_stats, &backend);

	if (!stats)
		return false;
	ctx->us = ewma_us(stats, ctx->now);
	return true;
}

struct hash_context {
	__u64 netns_cookie;
	struct address address;
	__u32 of_pod;
	__u32 of_address;
};

SEC("syscall")
int hashes(struct hash_context *ctx)
{
	ctx->of_pod = hash_of_pod(ctx->netns_cookie);
	ctx->of_address = hash_of_address(&ctx->address);
	return true;
}

struct client_context {
	struct frontend_key key;
	__u32 levels;
	struct frontend frontend;
};

/* Returns an enum frontend_lookup. */
SEC("syscall")
int for_client(struct client_context *ctx)
{
	struct frontend_key key = ctx->key;
	struct frontend frontend = {};
	enum frontend_lookup result = find_for_client(&key, ctx->levels, &frontend);

	ctx->frontend = frontend;
	return result;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
