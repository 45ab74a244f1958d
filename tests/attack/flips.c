/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte of every object flipped in turn. */
#include "tests/attack/rig.h"

#include <stdlib.h>
#include <string.h>

#include "chunk/parity.h"

/* ---- flips ---- */

/* Of the bytes of indexes, of which each opening reads all, one in so many is met by an opening. */
enum { INDEX_OPENED = 16 };

/* What is damaged opens all the same: opening must not need the repair. */
static void open_damaged(struct rig *rig, const char *name, size_t at)
{
	struct repo *repo;
	if (repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why))
		test_fail(__FILE__, __LINE__, "%s byte %zu: %s", name, at, rig->why.text);
	repo_close(repo);
}

static bool want_open(struct rig *rig, const struct check_object *object)
{
	return rig_is_root(rig, object) &&
		(object->kind != OBJECT_INDEX || rng_below(&rig->rng, INDEX_OPENED) == 0);
}

/* One byte: noticed, mended, and then every byte is as it was. */
static void flip_one(struct rig *rig, const struct check_object *object, size_t at,
	struct count *count, bool restore)
{
	char name[OBJECT_NAME];
	struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
	const struct mem_object *was = mem_find(&rig->base, name);
	here->bytes[at] ^= (uint8_t)(1u << rng_below(&rig->rng, 8));
	if (want_open(rig, object)) {
		open_damaged(rig, name, at);
		count->opened++;
	}
	if (restore) {
		rig_restore(rig, POINTS - 1, true);
		count->restored++;
	}
	enum check_state state = rig_look(rig, object, true);
	count->tried++;
	count->detected += state != CHECK_WHOLE;
	here = mem_find(&rig->mem, name);
	bool healed = state == CHECK_MENDED && here->len == was->len &&
		memcmp(here->bytes, was->bytes, was->len) == 0;
	count->healed += healed;
	if (!healed)
		test_fail(__FILE__, __LINE__, "%s byte %zu of %zu: state %u", name, at, was->len,
			state);
}

static void flip(struct rig *rig, size_t from, size_t step, size_t restore_every)
{
	struct count count = {0};
	size_t at = from;
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		size_t len = mem_find(&rig->base, rig_name(object, name))->len;
		for (; at < len; at += step)
			flip_one(rig, object, at, &count,
				count.tried % restore_every == restore_every - 1);
		at -= len;
	}
	test_note("bytes flipped: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " healed; opened damaged: %" PRIu64 ", restored damaged: %" PRIu64,
		count.tried, count.detected, count.healed, count.opened, count.restored);
	CHECK(count.tried && count.tried == count.detected && count.tried == count.healed);
	CHECK(mem_same(&rig->mem, &rig->base));
}

TEST(flips_sampled)
{
	struct rig *rig = rig_begin();
	flip(rig, rng_below(&rig->rng, 97), 97, 500);
	rig_end(rig);
}

TEST(flips_even)
{
	struct rig *rig = rig_begin();
	flip(rig, 0, 2, 5000);
	rig_end(rig);
}

TEST(flips_odd)
{
	struct rig *rig = rig_begin();
	flip(rig, 1, 2, 5000);
	rig_end(rig);
}

/* ---- flips by somebody who computes the parity anew ---- */

/* Parity has no key: seals, digests and signatures alone tell of this one. */
static void forge_one(struct rig *rig, const struct check_object *object, size_t at, size_t body,
	struct count *count)
{
	char name[OBJECT_NAME];
	struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
	const struct mem_object *was = mem_find(&rig->base, name);
	here->bytes[at] ^= (uint8_t)(1u << rng_below(&rig->rng, 8));
	CHECK_EQ(body + parity_size(body, PARITY), was->len);
	CHECK_EQ(parity_add(here->bytes, body, PARITY, &object->id), 0);
	count->tried++;
	enum check_state state = rig_look(rig, object, false);
	if (state == CHECK_DAMAGED || state == CHECK_IDLE)
		count->detected++;
	else
		test_note("%s byte %zu of %zu forged: state %u", name, at, body, state);
	if (rng_below(&rig->rng, 500) == 0) {
		rig_restore(rig, POINTS - 1, false);
		count->restored++;
	}
	memcpy(here->bytes, was->bytes, was->len);
}

static void forge(struct rig *rig, size_t step)
{
	struct count count = {0};
	size_t at = rng_below(&rig->rng, step);
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		struct object_header header;
		const struct mem_object *was = mem_find(&rig->base, rig_name(object, name));
		CHECK_EQ(object_get_header(was->bytes, was->len, &header, NULL), 0);
		for (; at < header.length; at += step)
			forge_one(rig, object, at, header.length, &count);
		at -= header.length;
	}
	test_note("bytes flipped and parity computed anew: %" PRIu64 " tried, %" PRIu64
		  " detected, restored forged: %" PRIu64,
		count.tried, count.detected, count.restored);
	CHECK(count.tried && count.tried == count.detected);
	CHECK(mem_same(&rig->mem, &rig->base));
}

TEST(forged_sampled)
{
	struct rig *rig = rig_begin();
	forge(rig, 499);
	rig_end(rig);
}

/* Another thirteenth each time. */
TEST(forged_much)
{
	struct rig *rig = rig_begin();
	forge(rig, 13);
	rig_end(rig);
}

/* ---- the short way tells what the whole verify tells ---- */

static void spoil(struct rig *rig, struct mem_object *here)
{
	size_t at = rng_below(&rig->rng, here->len);
	if (rng_chance(&rig->rng, 500000))
		here->bytes[at] ^= 1;
	else if (rng_chance(&rig->rng, 500000))
		here->len = at;
	else
		memset(here->bytes, 0x55, here->len);
}

static void short_way(struct rig *rig, size_t rounds)
{
	size_t count = rig->list.objects.len, same = 0, closed = 0;
	enum check_state *all = calloc(count, sizeof(*all));
	CHECK(all);
	for (size_t round = 0; round < rounds; round++) {
		char name[OBJECT_NAME];
		size_t which = rng_below(&rig->rng, count);
		const struct check_object *object = &rig->list.objects.at[which];
		spoil(rig, mem_find(&rig->mem, rig_name(object, name)));
		enum check_state state = rig_look(rig, object, false);
		memset(all, 0, count * sizeof(*all));
		bool opened = rig_states(rig, all);
		closed += !opened;
		for (size_t i = 0; opened && i < count; i++)
			CHECK_EQ(all[i], i == which ? state : CHECK_WHOLE);
		CHECK(opened || state == CHECK_DAMAGED);
		CHECK(opened || rig_is_root(rig, object));
		same++;
		const struct mem_object *was = mem_find(&rig->base, name);
		mem_set(&rig->mem, name, was->bytes, was->len);
	}
	test_note("the whole verify tells the same of %zu; %zu of them did not open", same, closed);
	free(all);
}

TEST(the_short_way_is_the_whole_verify_sampled)
{
	struct rig *rig = rig_begin();
	short_way(rig, 60);
	rig_end(rig);
}

TEST(the_short_way_is_the_whole_verify_much)
{
	struct rig *rig = rig_begin();
	short_way(rig, 300);
	rig_end(rig);
}
