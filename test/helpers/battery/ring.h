/* SPDX-License-Identifier: Apache-2.0 */
/* One io_uring, by its system calls (io_uring(7)). */
#pragma once

#include "battery.h"

#include <linux/io_uring.h>

struct ring {
	struct part *part;
	int fd;
	unsigned int *submitted;
	unsigned int submission_mask;
	unsigned int *completed_head;
	unsigned int *completed_tail;
	unsigned int completion_mask;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *completions;
};

struct ring make_ring(struct part *part);
/* The next entry to be submitted, empty but for these. */
struct io_uring_sqe *ring_entry(struct ring *ring, int operation, int fd, const void *bytes,
				size_t length);
void ring_submit(struct ring *ring);
/* Waits for the next completion. */
struct io_uring_cqe ring_wait(struct ring *ring);
/* True if there is one already. */
bool ring_has_completion(struct ring *ring);
