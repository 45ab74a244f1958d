/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every place is held to when several threads call it at once, by one handle or by two to the
 * same empty place, as two programs would have them.
 */
#ifndef EBB_PLACE_CONTRACT_TEST_H
#define EBB_PLACE_CONTRACT_TEST_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "place/place.h"

enum { CONTRACT_THREADS = 4, CONTRACT_OBJECTS = 12, CONTRACT_SIZE = 20000 };

struct contract_thread {
	pthread_t thread;
	struct place *place;
	pthread_barrier_t *start;
	unsigned number, won;
};

static inline void contract_fill(uint8_t *bytes, size_t len, unsigned what)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 13 + what * 101 + (i >> 8));
}

static inline void contract_spent(void *arg, size_t upto)
{
	CHECK(upto > *(size_t *)arg);
	*(size_t *)arg = upto;
}

/* Own objects, one that all threads write, and names that only one of them can get. */
static inline void *contract_work(void *arg)
{
	struct contract_thread *self = arg;
	uint8_t bytes[CONTRACT_SIZE], back[CONTRACT_SIZE];
	char name[64];
	struct why why;
	pthread_barrier_wait(self->start);
	for (unsigned i = 0; i < CONTRACT_OBJECTS; i++) {
		size_t len = 100 + 1500 * i, spent = 0;
		struct spending object = {bytes, len, contract_spent, &spent};
		contract_fill(bytes, len, i);
		snprintf(name, sizeof(name), "data/%02x/own-%u-%u", i % 3, self->number, i);
		CHECK_EQ(place_put_spending(self->place, name, &object, &why), 0);
		CHECK(spent == 0 || spent == len);
		CHECK_EQ(place_get(self->place, name, 0, back, sizeof(back)), len);
		CHECK(memcmp(bytes, back, len) == 0);
		contract_fill(bytes, CONTRACT_SIZE, self->number);
		CHECK_EQ(place_put(self->place, "data/00/all", bytes, CONTRACT_SIZE, &why), 0);
		snprintf(name, sizeof(name), "head/%u", i);
		int err = place_put_new(self->place, name, bytes, CONTRACT_SIZE, &why);
		CHECK(err == 0 || err == -EEXIST || err == -EWOULDBLOCK);
		self->won += !err;
	}
	return NULL;
}

static inline bool contract_count(void *arg, const char *name, uint64_t size)
{
	(void)name;
	(void)size;
	++*(unsigned *)arg;
	return true;
}

/* What stands under a name is all of one of the values that threads wrote. */
static inline void contract_is_whole(struct place *place, const char *name)
{
	uint8_t want[CONTRACT_SIZE];
	OWN(own_free) uint8_t *bytes = NULL;
	bool known = false;
	size_t len;
	CHECK_EQ(place_get_whole(place, name, 1 << 20, &bytes, &len), 0);
	CHECK_EQ(len, CONTRACT_SIZE);
	for (unsigned i = 0; i < CONTRACT_THREADS; i++) {
		contract_fill(want, sizeof(want), i);
		known = known || memcmp(want, bytes, len) == 0;
	}
	CHECK(known);
}

static inline void contract_threads(struct place *one, struct place *two)
{
	struct contract_thread threads[CONTRACT_THREADS];
	pthread_barrier_t start;
	unsigned won = 0, heads = 0, data = 0;
	char name[32];
	CHECK_EQ(pthread_barrier_init(&start, NULL, CONTRACT_THREADS), 0);
	for (unsigned i = 0; i < CONTRACT_THREADS; i++) {
		threads[i] = (struct contract_thread){
			.place = i % 2 ? one : two, .start = &start, .number = i};
		CHECK_EQ(pthread_create(&threads[i].thread, NULL, contract_work, &threads[i]), 0);
	}
	for (unsigned i = 0; i < CONTRACT_THREADS; i++) {
		pthread_join(threads[i].thread, NULL);
		won += threads[i].won;
	}
	pthread_barrier_destroy(&start);
	CHECK_EQ(place_list(one, "head", contract_count, &heads), 0);
	CHECK_EQ(place_list(two, "data", contract_count, &data), 0);
	CHECK_EQ(won, heads);
	CHECK_EQ(data, CONTRACT_THREADS * CONTRACT_OBJECTS + 1);
	contract_is_whole(one, "data/00/all");
	for (unsigned i = 0; i < CONTRACT_OBJECTS; i++) {
		snprintf(name, sizeof(name), "head/%u", i);
		uint64_t size;
		if (place_size(one, name, &size) == 0)
			contract_is_whole(two, name);
	}
}

#endif
