// SPDX-License-Identifier: Apache-2.0
/* One io_uring, by its system calls (io_uring(7)). */
#define _GNU_SOURCE
#include "ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define ENTRIES 16

struct ring make_ring(struct part *part)
{
	struct io_uring_params params = { 0 };
	int fd = done(part, "io_uring_setup", syscall(SYS_io_uring_setup, ENTRIES, &params));
	size_t size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	char *rings, *entries;
	unsigned int *indexes;

	if (!(params.features & IORING_FEAT_SINGLE_MMAP))
		fail(part, "this io_uring needs two mappings");
	rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (rings == MAP_FAILED || entries == MAP_FAILED)
		done(part, "mmap of an io_uring", -1);
	indexes = (void *)(rings + params.sq_off.array);
	for (unsigned int i = 0; i < params.sq_entries; i++)
		indexes[i] = i;
	return (struct ring){
		.part = part,
		.fd = fd,
		.submitted = (void *)(rings + params.sq_off.tail),
		.submission_mask = params.sq_entries - 1,
		.completed_head = (void *)(rings + params.cq_off.head),
		.completed_tail = (void *)(rings + params.cq_off.tail),
		.completion_mask = params.cq_entries - 1,
		.entries = (void *)entries,
		.completions = (void *)(rings + params.cq_off.cqes),
	};
}

struct io_uring_sqe *ring_entry(struct ring *ring, int operation, int fd, const void *bytes,
				size_t length)
{
	struct io_uring_sqe *entry = &ring->entries[*ring->submitted & ring->submission_mask];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = operation;
	entry->fd = fd;
	entry->addr = (uintptr_t)bytes;
	entry->len = length;
	return entry;
}

void ring_submit(struct ring *ring)
{
	__atomic_store_n(ring->submitted, *ring->submitted + 1, __ATOMIC_RELEASE);
	expect_equal(ring->part, "io_uring_enter",
		     syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0), 1);
}

bool ring_has_completion(struct ring *ring)
{
	return *ring->completed_head != __atomic_load_n(ring->completed_tail, __ATOMIC_ACQUIRE);
}

struct io_uring_cqe ring_wait(struct ring *ring)
{
	struct io_uring_cqe completion;

	while (!ring_has_completion(ring))
		syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	completion = ring->completions[*ring->completed_head & ring->completion_mask];
	__atomic_store_n(ring->completed_head, *ring->completed_head + 1, __ATOMIC_RELEASE);
	return completion;
}
