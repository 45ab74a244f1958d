/* SPDX-License-Identifier: Apache-2.0 */
/* Objects cut short, made longer, exchanged, replaced by those of another repository. */
#include "tests/attack/rig.h"

#include <stdlib.h>
#include <string.h>

/* ---- cut short, or longer than it was ---- */

/* Borders of what an object is made of: header, envelope, body, shards, tables, marks. */
static bool is_border(const struct mem_object *was, size_t at)
{
	static const size_t front[] = {0, 8, 16, 32, 48, 56, 64, 68, 72, 152};
	size_t end = was->len - at;
	struct object_header header;
	CHECK_EQ(object_get_header(was->bytes, was->len, &header, NULL), 0);
	for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++)
		if (at == front[i] || at == front[i] + 1)
			return true;
	size_t gap = at > header.length ? at - header.length : header.length - at;
	return gap <= 1 || end <= 2 || (end >= 63 && end <= 65) || (end >= 127 && end <= 129) ||
		at % 4096 <= 1 || at % 4096 == 4095;
}

static void cut_one(
	struct rig *rig, const struct check_object *object, size_t at, struct count *count)
{
	char name[OBJECT_NAME];
	struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
	const struct mem_object *was = mem_find(&rig->base, name);
	here->len = at;
	count->tried++;
	if (rig_look(rig, object, false) != CHECK_WHOLE)
		count->detected++;
	else
		test_note("unnoticed: %s cut at %zu of %zu", name, at, was->len);
	struct states states = {.rig = rig};
	struct object_header header;
	CHECK_EQ(object_get_header(was->bytes, was->len, &header, NULL), 0);
	/* As long as all that it holds is there no copy is needed. */
	bool by_itself = at >= header.length && !object->idle;
	struct check_options how = {.repair = true,
		.copy = by_itself ? NULL : &rig->copy_mem.place,
		.on_object = rig_note_state,
		.arg = &states};
	struct check_result result = {0};
	repo_check_some(rig->repo, object, 1, &how, &result);
	here = mem_find(&rig->mem, name);
	count->healed += here->len == was->len && memcmp(here->bytes, was->bytes, was->len) == 0;
	mem_set(&rig->mem, name, was->bytes, was->len);
}

static void grow_one(struct rig *rig, const struct check_object *object, struct count *count)
{
	char name[OBJECT_NAME];
	const struct mem_object *was = mem_find(&rig->base, rig_name(object, name));
	uint8_t *longer = calloc(1, was->len + 64);
	CHECK(longer);
	memcpy(longer, was->bytes, was->len);
	for (size_t more = 1; more <= 64; more += 63) {
		mem_set(&rig->mem, name, longer, was->len + more);
		count->tried++;
		count->detected += rig_look(rig, object, false) != CHECK_WHOLE;
	}
	free(longer);
	mem_set(&rig->mem, name, was->bytes, was->len);
}

static void cut_all(struct rig *rig, uint32_t per_million)
{
	struct count cut = {0}, grown = {0};
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		const struct mem_object *was = mem_find(&rig->base, rig_name(object, name));
		for (size_t at = 0; at < was->len; at++)
			if (is_border(was, at) && rng_chance(&rig->rng, per_million))
				cut_one(rig, object, at, &cut);
		grow_one(rig, object, &grown);
	}
	test_note("objects cut short: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " healed, by a copy if too short; made longer: %" PRIu64 " tried, %" PRIu64
		  " detected",
		cut.tried, cut.detected, cut.healed, grown.tried, grown.detected);
	CHECK(cut.detected == cut.tried && cut.healed == cut.tried);
	CHECK_EQ(grown.detected, grown.tried);
	CHECK(mem_same(&rig->mem, &rig->base));
}

TEST(cut_sampled)
{
	struct rig *rig = rig_begin();
	cut_all(rig, 100000);
	rig_end(rig);
}

TEST(cut_everywhere)
{
	struct rig *rig = rig_begin();
	cut_all(rig, 1000000);
	rig_end(rig);
}

/* ---- exchanged, and another repository's ---- */

/* Puts the bytes under the object's name: noticed in the short way, and by the sample in the other.
 */
static void replace_one(struct rig *rig, const struct check_object *object,
	const struct mem_object *by, struct count *count)
{
	struct verify_result result;
	char name[OBJECT_NAME];
	const struct mem_object *was = mem_find(&rig->base, rig_name(object, name));
	mem_set(&rig->mem, name, by->bytes, by->len);
	count->tried++;
	bool found = rig_look(rig, object, false) != CHECK_WHOLE;
	if (found && rng_chance(&rig->rng, 50000)) {
		found = rig_noticed(rig, &result);
		rig_restore(rig, POINTS - 1, false);
		count->restored++;
	}
	if (found)
		count->detected++;
	else
		test_note("unnoticed: %s replaced by %s", name, by->name);
	mem_set(&rig->mem, name, was->bytes, was->len);
}

static void swap_all(struct rig *rig, uint32_t per_million)
{
	struct count count = {0};
	vec_each (object, &rig->list.objects) {
		vec_each (other, &rig->list.objects) {
			char name[OBJECT_NAME];
			if (other != object && other->kind == object->kind &&
				rng_chance(&rig->rng, per_million))
				replace_one(rig, object,
					mem_find(&rig->base, rig_name(other, name)), &count);
		}
	}
	test_note("exchanged with another of its kind: %" PRIu64 " tried, %" PRIu64
		  " detected, %" PRIu64 " restored from",
		count.tried, count.detected, count.restored);
	CHECK_EQ(count.detected, count.tried);
}

static void foreign_all(struct rig *rig, const struct mem_place *from, const char *whose)
{
	struct count count = {0};
	vec_each (by, &from->objects) {
		enum object_kind kind = OBJECT_REPO;
		struct object_id id;
		if (strcmp(by->name, "repo") != 0 && !object_parse_name(by->name, &kind, &id))
			continue;
		vec_each (object, &rig->list.objects)
			if (object->kind == kind)
				replace_one(rig, object, by, &count);
	}
	test_note("replaced by that of %s: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " restored from",
		whose, count.tried, count.detected, count.restored);
	CHECK(count.tried && count.detected == count.tried);
}

/* Under its own name, where nothing of ours has that name. */
static void planted_all(struct rig *rig, const struct mem_place *from, const char *whose)
{
	struct count count = {0};
	vec_each (by, &from->objects) {
		if (mem_find(&rig->base, by->name))
			continue;
		mem_set(&rig->mem, by->name, by->bytes, by->len);
		rig_must_notice(rig, whose, by->name, &count);
		rig_restore(rig, POINTS - 1, false);
		rig_put_back(rig);
	}
	test_note("an object of %s put beside ours: %" PRIu64 " tried, %" PRIu64 " detected", whose,
		count.tried, count.detected);
	CHECK_EQ(count.detected, count.tried);
}

TEST(exchanged_sampled)
{
	struct rig *rig = rig_begin();
	swap_all(rig, 100000);
	planted_all(rig, &rig->other_mem, "a stranger");
	rig_end(rig);
}

TEST(exchanged_all)
{
	struct rig *rig = rig_begin();
	swap_all(rig, 1000000);
	foreign_all(rig, &rig->twin_mem, "a twin with the same keys");
	foreign_all(rig, &rig->other_mem, "a stranger");
	planted_all(rig, &rig->twin_mem, "a twin with the same keys");
	planted_all(rig, &rig->other_mem, "a stranger");
	rig_end(rig);
}
