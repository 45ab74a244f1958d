/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring between exactly one producer thread and exactly one consumer thread, without locks.
 *
 * Memory order: the producer writes the element, then publishes `head` with release; the consumer
 * reads `head` with acquire, then the element, then frees the place by publishing `tail` with
 * release, which the producer reads with acquire before it reuses the place. Each side keeps a
 * cached copy of the other's counter on its own cache line, so that an uncontended operation
 * touches no shared line but its own.
 *
 * Counters run freely and wrap; head - tail is the number of elements, 0 .. capacity.
 */
#ifndef EBB_BASE_RING_H
#define EBB_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	/* the producer's line */
	_Alignas(64) _Atomic uint64_t head;
	uint64_t tail_seen;
	/* the consumer's line */
	_Alignas(64) _Atomic uint64_t tail;
	uint64_t head_seen;
	/* read by both, written by neither */
	_Alignas(64) uint8_t *slots;
	size_t size;
	uint64_t mask;
};

/* Places for `capacity` elements (a power of two) of `size` bytes. 0 or -ENOMEM. */
int ring_init(struct ring *ring, size_t capacity, size_t size);

/* Only when neither side uses it any more. */
void ring_done(struct ring *ring);

/* Producer thread. False: the ring is full and nothing happened. */
bool ring_push(struct ring *ring, const void *element);

/* Consumer thread. False: the ring is empty and nothing happened. */
bool ring_pop(struct ring *ring, void *ret_element);

#endif
