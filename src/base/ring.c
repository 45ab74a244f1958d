/* SPDX-License-Identifier: Apache-2.0 */
/* Single producer, single consumer: the order of the atomic steps is told in ring.h. */
#include "base/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

int ring_init(struct ring *ring, size_t capacity, size_t size)
{
	must(capacity && (capacity & (capacity - 1)) == 0);
	uint8_t *slots = calloc(capacity, size);
	if (!slots)
		return -ENOMEM;
	*ring = (struct ring){.slots = slots, .size = size, .mask = capacity - 1};
	return 0;
}

void ring_done(struct ring *ring)
{
	free(ring->slots);
	ring->slots = NULL;
}

bool ring_push(struct ring *ring, const void *element)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	if (head - ring->tail_seen > ring->mask) {
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head - ring->tail_seen > ring->mask)
			return false;
	}
	memcpy(ring->slots + (head & ring->mask) * ring->size, element, ring->size);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

bool ring_pop(struct ring *ring, void *ret_element)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	if (tail == ring->head_seen) {
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (tail == ring->head_seen)
			return false;
	}
	memcpy(ret_element, ring->slots + (tail & ring->mask) * ring->size, ring->size);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}
