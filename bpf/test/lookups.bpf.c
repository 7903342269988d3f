// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Many look-ups in a row, for a test that replaces the entries meanwhile. */
#include "../frontend.h"

#define KEYS 256

struct lookups_context {
	__u64 right;
	__u64 foreign; /* the value of another key */
	__u64 mixed;   /* words of two values */
	__u64 torn;    /* given up */
	__u64 absent;
};

/* Key i is 10.96.0.i:80/TCP; its value is {service i, any, the same}. */
SEC("syscall")
int lookups(struct lookups_context *ctx)
{
	struct frontend_key key = {
		.address.word[2] = bpf_htonl(0xffff),
		.port = bpf_htons(80),
		.protocol = IPPROTO_TCP,
	};
	struct lookups_context seen = {};
	struct frontend found;

	for (__u32 i = 0; i < KEYS; i++) {
		key.address.word[3] = bpf_htonl(0x0a600000 | i);
		switch (find_frontend(&key, &found)) {
		case FRONTEND_NONE:
			seen.absent++;
			break;
		case FRONTEND_TORN:
			seen.torn++;
			break;
		case FRONTEND_FOUND:
			seen.foreign += found.service != i;
			seen.mixed += found.slot_base != found.slot_count;
			seen.right += found.service == i && found.slot_base == found.slot_count;
		}
	}
	ctx->right += seen.right;
	ctx->foreign += seen.foreign;
	ctx->mixed += seen.mixed;
	ctx->torn += seen.torn;
	ctx->absent += seen.absent;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
