// SPDX-License-Identifier: Apache-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "error.h"
#include "shim.h"

#define RINGS_MAX 16

/* Where the records of one call go. */
struct reading {
	unsigned char *to;
	uint32_t size;
	uint32_t room;
	uint32_t count;
};

struct ring {
	struct ring_buffer *buffer; /* NULL: free */
	struct reading reading;
};

static struct ring rings[RINGS_MAX];
static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;

/* What libbpf hands over is used up, whatever this returns: it must be taken. */
static int take(void *context, void *record, size_t size)
{
	struct reading *reading = &((struct ring *)context)->reading;

	if (size != reading->size)
		return -EMSGSIZE;
	memcpy(reading->to + (size_t)reading->count * size, record, size);
	return ++reading->count == reading->room ? -ENOBUFS : 0;
}

static struct ring *free_ring(void)
{
	for (struct ring *ring = rings; ring < rings + RINGS_MAX; ring++)
		if (!ring->buffer)
			return ring;
	return NULL;
}

static int open_ring(int map_fd)
{
	struct ring *ring = free_ring();
	struct bpf_map_info info = {};
	int error = describe(map_fd, KIND_MAP, &info, sizeof(info));

	if (error)
		return error;
	if (!ring)
		return fail(-EMFILE, "open ring buffer: %d are open", RINGS_MAX);
	ring->buffer = ring_buffer__new(map_fd, take, ring, NULL);
	if (!ring->buffer)
		return fail(-errno, "open ring buffer");
	return ring - rings + 1;
}

/* With the lock held. */
static struct ring *find(int handle)
{
	if (handle < 1 || handle > RINGS_MAX || !rings[handle - 1].buffer)
		return NULL;
	return &rings[handle - 1];
}

int shunt_ring_open(int map_fd)
{
	int result;

	error_clear();
	pthread_mutex_lock(&rings_lock);
	result = open_ring(map_fd);
	pthread_mutex_unlock(&rings_lock);
	return result;
}

static int read_ring(struct ring *ring)
{
	int error = ring_buffer__consume(ring->buffer);

	if (error < 0 && error != -ENOBUFS)
		return fail(error, "read ring buffer");
	return ring->reading.count;
}

int shunt_ring_read(int handle, void *records, size_t size, uint32_t n)
{
	struct ring *ring;
	int result;

	error_clear();
	if (!records || !size || size > UINT32_MAX || !n || n > INT_MAX)
		return fail(-EINVAL, "read ring buffer: no room for records");
	pthread_mutex_lock(&rings_lock);
	ring = find(handle);
	if (ring) {
		ring->reading = (struct reading){ .to = records, .size = size, .room = n };
		result = read_ring(ring);
	} else {
		result = fail(-EBADF, "ring buffer handle %d", handle);
	}
	pthread_mutex_unlock(&rings_lock);
	return result;
}

int shunt_ring_close(int handle)
{
	struct ring *ring;
	int result = 0;

	error_clear();
	pthread_mutex_lock(&rings_lock);
	ring = find(handle);
	if (ring) {
		ring_buffer__free(ring->buffer);
		ring->buffer = NULL;
	} else {
		result = fail(-EBADF, "ring buffer handle %d", handle);
	}
	pthread_mutex_unlock(&rings_lock);
	return result;
}
