/* SPDX-License-Identifier: Apache-2.0 */
/* Whole objects deleted, halved, scrambled, emptied. */
#include "tests/attack/rig.h"

#include <stdio.h>

#include "repo/renew.h"
#include "ship/need.h"

/* From another copy, object for object: what opening needs comes back first. */
static bool healed_by_copy(struct rig *rig)
{
	struct repo *repo = NULL, *copy;
	struct check_options roots = {.repair = true};
	struct check_result check = {0};
	struct verify_result result = {0};
	if (repo_open(&rig->copy_at, rig->secret, rig->generation, &copy, &rig->why))
		return false;
	struct verify_options how = {.repair = true, .follow = true, .from = copy};
	int err = repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why);
	if (err)
		err = repo_check_roots(copy, &rig->mem.place, &roots, &check, &rig->why);
	if (!err && !repo)
		err = repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why);
	if (!err)
		err = verify_repo(repo, &how, &result, &rig->why);
	repo_close(repo);
	repo_close(copy);
	return !err && mem_same(&rig->mem, &rig->base);
}

/*
 * Whether all is whole by now: what a person is told may name damaged objects, if nothing needs
 * them any more, and every byte comes back.
 */
static bool is_clean(struct rig *rig)
{
	struct verify_result result;
	rig_noticed(rig, &result);
	if (!verify_is_whole(&result) || result.broken || !result.points ||
		rig->troubles != 2 * result.check.idle)
		return false;
	rig_restore(rig, POINTS - 1, true);
	return true;
}

/* From a twin: the same chunks in other objects. Indexes are made anew from packs first. */
static bool healed_by_twin(struct rig *rig)
{
	struct repo *repo = NULL, *twin;
	struct repo_world at = rig->at;
	struct rebuild_result rebuilt;
	struct verify_result result = {0};
	if (repo_open(&rig->twin_at, rig->secret, 0, &twin, &rig->why))
		return false;
	struct verify_options how = {.repair = true, .follow = true, .from = twin};
	int err = repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why);
	at.without_index = true;
	if (err)
		err = repo_open(&at, rig->secret, rig->generation, &repo, &rig->why);
	if (!err && at.without_index)
		err = repo_rebuild(repo, &rebuilt, &rig->why);
	if (!err)
		err = verify_repo(repo, &how, &result, &rig->why);
	repo_close(repo);
	repo_close(twin);
	return !err && is_clean(rig);
}

enum spoiling { DELETED, HALVED, SCRAMBLED, EMPTIED, SPOILINGS };

static const char *const spoilings[SPOILINGS] = {"deleted", "halved", "scrambled", "emptied"};

static void spoil_as(struct rig *rig, const char *name, enum spoiling how)
{
	struct mem_object *here = mem_find(&rig->mem, name);
	if (how == DELETED)
		mem_remove(&rig->mem, name);
	else if (how == SCRAMBLED)
		rng_fill(&rig->rng, here->bytes, here->len);
	else
		here->len = how == HALVED ? here->len / 2 : 0;
}

/* What holds no more than chunks, or where they are; and points, which twins share. */
static bool by_twin(enum object_kind kind)
{
	return kind == OBJECT_DATA || kind == OBJECT_META || kind == OBJECT_INDEX ||
		kind == OBJECT_POINT;
}

struct heals {
	struct count count;
	uint64_t idle_gone; /* what nothing needs may vanish: collections remove it */
	uint64_t twin_tried[OBJECT_KINDS], twin_healed[OBJECT_KINDS];
};

static void spoil_one(
	struct rig *rig, const struct check_object *object, enum spoiling how, struct heals *heals)
{
	char name[OBJECT_NAME];
	spoil_as(rig, rig_name(object, name), how);
	if (object->idle && how == DELETED) {
		heals->idle_gone++;
		rig_restore(rig, POINTS - 1, true);
		rig_put_back(rig);
		return;
	}
	rig_must_notice(rig, spoilings[how], name, &heals->count);
	rig_restore(rig, POINTS - 1, false);
	heals->count.restored++;
	if (healed_by_copy(rig))
		heals->count.healed++;
	else
		test_note("not healed by the copy: %s %s: %s", spoilings[how], name, rig->why.text);
	rig_put_back(rig);
	if (object->idle)
		return;
	spoil_as(rig, name, how);
	heals->twin_tried[object->kind]++;
	if (healed_by_twin(rig))
		heals->twin_healed[object->kind]++;
	else if (by_twin(object->kind))
		test_note("not healed by the twin: %s %s: %s", spoilings[how], name, rig->why.text);
	rig_put_back(rig);
}

static void spoil_all(struct rig *rig, int hows)
{
	static const char *const kinds[OBJECT_KINDS] = {
		"", "repo", "key", "data", "meta", "index", "point", "head", "inbox"};
	struct heals heals = {.idle_gone = 0};
	vec_each (object, &rig->list.objects)
		for (int how = 0; how < hows; how++)
			spoil_one(rig, object, (enum spoiling)how, &heals);
	test_note("objects deleted, halved, scrambled, emptied: %" PRIu64 " tried, %" PRIu64
		  " detected, %" PRIu64 " healed by a copy, %" PRIu64
		  " restored from damaged; %" PRIu64 " deleted that nothing needs",
		heals.count.tried, heals.count.detected, heals.count.healed, heals.count.restored,
		heals.idle_gone);
	for (int kind = 1; kind < OBJECT_KINDS; kind++)
		test_note("healed by a twin: %s %" PRIu64 " of %" PRIu64, kinds[kind],
			heals.twin_healed[kind], heals.twin_tried[kind]);
	CHECK_EQ(heals.count.detected, heals.count.tried);
	CHECK_EQ(heals.count.healed, heals.count.tried);
	for (int kind = 1; kind < OBJECT_KINDS; kind++)
		if (by_twin((enum object_kind)kind))
			CHECK_EQ(heals.twin_healed[kind], heals.twin_tried[kind]);
}

TEST(objects_sampled)
{
	struct rig *rig = rig_begin();
	spoil_all(rig, 1);
	rig_end(rig);
}

TEST(objects_whole)
{
	struct rig *rig = rig_begin();
	spoil_all(rig, SPOILINGS);
	rig_end(rig);
}

TEST_MAIN
