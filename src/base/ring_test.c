/* SPDX-License-Identifier: Apache-2.0 */
/* The ring alone, at the wrap of its counters, and between two threads (run under TSan too). */
#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "base/rng.h"
#include "base/scarce.h"
#include "base/test.h"

TEST(a_ring_holds_its_capacity_in_order)
{
	struct ring ring;
	uint32_t out = 77;
	CHECK_EQ(ring_init(&ring, 8, sizeof(out)), 0);
	CHECK(!ring_pop(&ring, &out) && out == 77);
	for (uint32_t i = 0; i < 8; i++)
		CHECK(ring_push(&ring, &i));
	uint32_t more = 8;
	CHECK(!ring_push(&ring, &more));
	for (uint32_t i = 0; i < 8; i++)
		CHECK(ring_pop(&ring, &out) && out == i);
	CHECK(!ring_pop(&ring, &out) && out == 7);
	ring_done(&ring);
}

static void set_counters(struct ring *ring, uint64_t to)
{
	atomic_store(&ring->head, to);
	atomic_store(&ring->tail, to);
	ring->head_seen = ring->tail_seen = to;
}

TEST(counters_wrap)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (size_t capacity = 1; capacity <= 64; capacity *= 2) {
		struct ring ring;
		uint64_t in = 0, out = 0;
		CHECK_EQ(ring_init(&ring, capacity, sizeof(in)), 0);
		set_counters(&ring, UINT64_MAX - 100);
		while (in < 10000) {
			for (uint64_t n = rng_below(&rng, 2 * capacity + 1); n; n--) {
				bool room = in - out < capacity;
				CHECK(ring_push(&ring, &in) == room);
				in += room;
			}
			for (uint64_t n = rng_below(&rng, 2 * capacity + 1); n; n--) {
				uint64_t got;
				bool some = out < in;
				CHECK(ring_pop(&ring, &got) == some);
				if (some)
					CHECK_EQ(got, out++);
			}
		}
		ring_done(&ring);
	}
}

TEST(elements_of_any_size)
{
	for (size_t size = 1; size <= 100; size += 11) {
		struct ring ring;
		uint8_t in[100], out[101];
		CHECK_EQ(ring_init(&ring, 4, size), 0);
		for (int i = 0; i < 10; i++) {
			memset(in, i, size);
			memset(out, 0xee, sizeof(out));
			CHECK(ring_push(&ring, in));
			CHECK(ring_pop(&ring, out));
			CHECK(memcmp(in, out, size) == 0);
			CHECK_EQ(out[size], 0xee);
		}
		ring_done(&ring);
	}
}

enum { ELEMENTS = 300000 };

/* Large enough that a reader who came too early would see two halves of different elements. */
struct element {
	uint64_t number;
	uint64_t square[7];
};

/* When a side cannot go on it lets the other run: there may be one processor only. */
static void *produce(void *arg)
{
	struct ring *ring = arg;
	for (uint64_t i = 0; i < ELEMENTS; i++) {
		struct element element = {.number = i};
		for (uint64_t k = 0; k < 7; k++)
			element.square[k] = i * i + k;
		while (!ring_push(ring, &element))
			sched_yield();
	}
	return NULL;
}

static void consume(struct ring *ring)
{
	for (uint64_t i = 0; i < ELEMENTS; i++) {
		struct element element;
		while (!ring_pop(ring, &element))
			sched_yield();
		CHECK_EQ(element.number, i);
		for (uint64_t k = 0; k < 7; k++)
			CHECK_EQ(element.square[k], i * i + k);
	}
}

TEST(two_threads_pass_elements_whole_and_in_order)
{
	static const size_t capacities[] = {1, 2, 1024};
	for (size_t i = 0; i < 3; i++) {
		struct ring ring;
		pthread_t producer;
		CHECK_EQ(ring_init(&ring, capacities[i], sizeof(struct element)), 0);
		CHECK_EQ(pthread_create(&producer, NULL, produce, &ring), 0);
		consume(&ring);
		CHECK_EQ(pthread_join(producer, NULL), 0);
		struct element left;
		CHECK(!ring_pop(&ring, &left));
		ring_done(&ring);
	}
}

TEST(a_ring_that_cannot_be)
{
	struct ring ring = {.size = 5};
	scarce_arm(1, false);
	int err = ring_init(&ring, 8, 8);
	scarce_arm(0, false);
	CHECK_EQ(err, -ENOMEM);
	CHECK_EQ(ring_init(&ring, (size_t)1 << 62, 8), -ENOMEM);
	CHECK_EQ(ring.size, 5);
	CHECK_DIES(ring_init(&ring, 0, 8), "capacity");
	CHECK_DIES(ring_init(&ring, 12, 8), "capacity");
}

TEST_MAIN
