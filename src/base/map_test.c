/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations on a map against a list that is simply searched. */
#include "base/map.h"

#include <errno.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/scarce.h"
#include "base/test.h"

enum { NAMES = 120 };

/* The model: names by number, in order of arrival; `came` is 0 for one that is not in. */
struct model {
	struct {
		uint64_t came;
		void *value;
	} names[NAMES];
	uint64_t clock;
	size_t live;
};

static const char *name_of(size_t number, char name[16])
{
	snprintf(name, 16, "n%zu", number);
	return number ? name : ""; /* the empty name is a name */
}

static void put(struct map *map, struct model *model, size_t number, void *value)
{
	char name[16];
	CHECK_EQ(map_put(map, name_of(number, name), value), 0);
	if (!model->names[number].came) {
		model->names[number].came = ++model->clock;
		model->live++;
	}
	model->names[number].value = value;
}

static void drop(struct map *map, struct model *model, size_t number)
{
	char name[16];
	void *expected = model->names[number].came ? model->names[number].value : NULL;
	CHECK(map_remove(map, name_of(number, name)) == expected);
	model->live -= model->names[number].came != 0;
	model->names[number].came = 0;
}

static void compare(const struct map *map, const struct model *model)
{
	char name[16];
	size_t met = 0;
	uint64_t last = 0;
	CHECK_EQ(map->live, model->live);
	for (size_t i = 0; i < NAMES; i++) {
		void *expected = model->names[i].came ? model->names[i].value : NULL;
		CHECK(map_get(map, name_of(i, name)) == expected);
	}
	map_each (entry, map) {
		size_t number = 0;
		if (*entry->name)
			CHECK_EQ(sscanf(entry->name, "n%zu", &number), 1);
		CHECK(model->names[number].came > last);
		CHECK(entry->value == model->names[number].value);
		last = model->names[number].came;
		met++;
	}
	CHECK_EQ(met, model->live);
}

TEST(random_operations_agree_with_a_list)
{
	static int things[50];
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 60; round++) {
		OWN(map_done) struct map map;
		struct model model = {0};
		map_init(&map, rng_u64(&rng));
		uint32_t removals = (uint32_t)rng_below(&rng, 800000);
		for (int i = 0; i < 400; i++) {
			size_t number = rng_below(&rng, NAMES);
			if (rng_chance(&rng, removals))
				drop(&map, &model, number);
			else
				put(&map, &model, number, &things[rng_below(&rng, 50)]);
			if (i % 16 == 0)
				compare(&map, &model);
		}
		compare(&map, &model);
	}
}

/* A name that comes and goes must not make the table grow, nor the search endless. */
TEST(coming_and_going_needs_no_more_room)
{
	OWN(map_done) struct map map = {0};
	int thing;
	for (int i = 0; i < 100000; i++) {
		char name[16];
		CHECK_EQ(map_put(&map, name_of((size_t)i, name), &thing), 0);
		CHECK(map_remove(&map, name_of((size_t)i, name)) == &thing);
	}
	CHECK_EQ(map.live, 0);
	CHECK(map.slot_count <= 32);
}

TEST(a_map_all_zero_is_empty)
{
	struct map map = {0};
	CHECK(map_get(&map, "x") == NULL);
	CHECK(map_remove(&map, "x") == NULL);
	CHECK(map_next(&map, NULL) == NULL);
	map_done(&map);
}

TEST(names_are_copied)
{
	OWN(map_done) struct map map = {0};
	int thing;
	char name[] = "name";
	CHECK_EQ(map_put(&map, name, &thing), 0);
	name[0] = 'g';
	CHECK(map_get(&map, "name") == &thing);
	CHECK(map_get(&map, "game") == NULL);
}

TEST(removing_while_walking)
{
	OWN(map_done) struct map map = {0};
	int things[40], met = 0;
	char name[16];
	for (size_t i = 0; i < 40; i++)
		CHECK_EQ(map_put(&map, name_of(i, name), &things[i]), 0);
	map_each (entry, &map) {
		CHECK(entry->value == &things[met]);
		/* itself, and the one that would come next */
		if (met % 3 == 0) {
			CHECK(map_remove(&map, name_of((size_t)met, name)) == &things[met]);
			map_remove(&map, name_of((size_t)met + 1, name));
			met++;
		}
		met++;
	}
	CHECK_EQ(met, 41); /* the last step skipped one that was not there */
	CHECK_EQ(map.live, 13);
}

TEST(replacing_while_walking)
{
	OWN(map_done) struct map map = {0};
	int old, new, met = 0;
	char name[16];
	for (size_t i = 0; i < 8; i++)
		CHECK_EQ(map_put(&map, name_of(i, name), &old), 0);
	map_each (entry, &map) {
		CHECK(entry->value == &old);
		CHECK_EQ(map_put(&map, entry->name, &new), 0);
		CHECK(entry->value == &new);
		met++;
	}
	CHECK_EQ(met, 8);
}

TEST(without_memory_the_map_is_as_it_was)
{
	int old, new;
	for (uint64_t nth = 1; nth <= 3; nth++) {
		OWN(map_done) struct map map = {0};
		char name[16];
		for (size_t i = 0; i < 8; i++)
			CHECK_EQ(map_put(&map, name_of(i, name), &old), 0);
		/* The ninth needs new entries, new slots and a copy of its name. */
		scarce_arm(nth, false);
		int err = map_put(&map, "ninth", &new);
		scarce_arm(0, false);
		CHECK_EQ(err, -ENOMEM);
		CHECK_EQ(map.live, 8);
		CHECK(map_get(&map, "ninth") == NULL);
		for (size_t i = 0; i < 8; i++)
			CHECK(map_get(&map, name_of(i, name)) == &old);
		CHECK_EQ(map_put(&map, "ninth", &new), 0);
		CHECK(map_get(&map, "ninth") == &new);
	}
}

/* Made by hand: nobody has two names of one 64-bit hash at hand. */
TEST(names_of_one_hash_are_told_apart)
{
	OWN(map_done) struct map map = {0};
	int thing;
	CHECK_EQ(map_put(&map, "one", &thing), 0);
	uint64_t hash = map.entries[0].hash = hash64("other", 5, 0);
	memset(map.slots, 0, map.slot_count * sizeof(*map.slots));
	map.slots[hash & (map.slot_count - 1)] = 1;
	CHECK(map_get(&map, "other") == NULL);
	CHECK(map_remove(&map, "other") == NULL);
}

TEST(a_value_is_never_null)
{
	struct map map = {0};
	CHECK_DIES(map_put(&map, "x", NULL), "value");
}

TEST_MAIN
