/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long a backend takes to answer, as PeakEwma wants to know it: slower answers count at once,
 * faster ones the more, the more time has gone by since the last. What nobody asks for is forgotten:
 * half of it in each half-life.
 */
#ifndef SHUNT_EWMA_H
#define SHUNT_EWMA_H

#include "count.h"

/* A minute; more than that is as much as that. */
#define EWMA_US_MAX ((1U << 26) - 1)

struct ewma {
	__u32 value; /* in microseconds times 2^EWMA_FRACTION_BITS */
	__u32 at;    /* of ewma_clock() */
};

/* The coarse clock (5.11) is exact enough and costs a tenth. */
static __always_inline __u32 ewma_clock(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns() >> 20;
	return bpf_ktime_get_ns() >> 20;
}

/*
 * value * 2^(-age / half-life). Between the powers of two, x of the way: 1 - x * (ln 2 - x * (ln 2 - 1/2)),
 * at most 0.8 % too little, and right in its slope at 0: many small steps make what a large one does.
 */
static __always_inline __u32 decayed(__u32 value, __u32 age)
{
	__u32 halves = age / EWMA_HALF_LIFE;
	__u64 way = age % EWMA_HALF_LIFE;		  /* 12 bits */
	__u64 lost = way * (45426 - (way * 12658 >> 12)); /* 28 bits */

	if (halves > 31)
		return 0;
	value >>= halves;
	return value - (value * lost >> 28);
}

/* Another processor may have written what is a moment younger than `now`. */
static __always_inline __u32 ewma_age(const struct ewma *ewma, __u32 now)
{
	__u32 age = now - ewma->at;

	return age > -(__u32)EWMA_HALF_LIFE ? 0 : age;
}

static __always_inline struct ewma ewma_read(const struct backend_stats *stats)
{
	__u64 word = *(const volatile __u64 *)&stats->ewma;

	return (struct ewma){ .value = word, .at = word >> 32 };
}

static __always_inline __u32 ewma_us(const struct backend_stats *stats, __u32 now)
{
	struct ewma ewma = ewma_read(stats);

	return decayed(ewma.value, ewma_age(&ewma, now)) >> EWMA_FRACTION_BITS;
}

/*
 * Two at a time are no matter: one of them counts. What lies within a 64th is the same: the rest
 * would round to nothing for so long that meanwhile the whole were forgotten. For the same reason
 * nothing is written that would change nothing.
 */
static __always_inline void ewma_sample(struct backend_stats *stats, __u64 sample_us, __u32 now,
					bool raise_only)
{
	__u32 sample = (sample_us < EWMA_US_MAX ? sample_us : EWMA_US_MAX) << EWMA_FRACTION_BITS;
	struct ewma last = ewma_read(stats);
	__u32 age = ewma_age(&last, now);
	__u32 value = sample;

	if (raise_only && sample <= decayed(last.value, age))
		return;
	if (!raise_only && sample < last.value - last.value / 64)
		value += decayed(last.value - sample, age);
	if (value != last.value || value == sample)
		*(volatile __u64 *)&stats->ewma = (__u64)now << 32 | value;
}

#endif
