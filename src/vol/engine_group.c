/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts of several engines:
 *
 *   each drains its writes, and holds new ones
 *   all hold: all cut, in one callback of the loop
 *   all have the record of the cut durable: each notes that the group is whole
 *   all have noted it: done
 *
 * When one fails before all have cut, the others let go as if nothing had been. When one fails
 * after that, what there is of the group is dropped again, as settling would.
 */
#include "vol/engine_group.h"

#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/plant.h"
#include "vol/engine_inner.h"

static void note(struct engine_group *group, int err, const struct why *why)
{
	if (!err || group->err)
		return;
	group->err = err;
	group->why = *why;
}

static void answer(struct engine_group *group)
{
	struct why why = group->why;
	group->done(group, group->err, &why);
}

/* ---- acts of members ---- */

static void over(struct engine_group *group)
{
	if (--group->waits == 0)
		group->next(group);
}

static void start(struct engine_member *member, enum engine_act_kind kind);

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	struct engine_member *member = act->member;
	struct engine_group *group = member->group;
	member->told = true;
	member->held = false;
	member->err = err;
	note(group, err, why);
	if (act->kind == ENGINE_CUT && err)
		group_look(group);
	else if (act->kind == ENGINE_CUT && planted(VOL_GROUP_WHOLE_EARLY))
		start(member, ENGINE_WHOLE);
	over(group);
}

static void start(struct engine_member *member, enum engine_act_kind kind)
{
	struct engine_group *group = member->group;
	member->told = member->held = false;
	member->act = (struct engine_act){.kind = kind,
		.name = member->name,
		.at_ns = group->at_ns,
		.done = on_act,
		.member = member};
	group->waits++;
	engine_do(member->engine, &member->act);
}

/* One more is waited for while they start: some may be over at once. */
static void begin(struct engine_group *group, void (*next)(struct engine_group *group))
{
	group->waits = 1;
	group->next = next;
}

static void set_name(struct engine_member *member, const char *name)
{
	memcpy(member->name, name, strlen(name) + 1);
}

/* ---- the cut ---- */

static void noted(struct engine_group *group)
{
	answer(group);
}

static void cut(struct engine_group *group)
{
	begin(group, noted);
	for (size_t i = 0; i < group->count; i++) {
		struct engine_member *member = &group->members[i];
		if (!group->err)
			start(member, ENGINE_WHOLE);
		else if (!member->err)
			start(member, ENGINE_DROP);
	}
	over(group);
}

/* Nothing is begun that could be known to fail. */
static int check(struct engine_group *group, struct why *why)
{
	for (size_t i = 0; i < group->count; i++) {
		struct vol_map *map = &group->members[i].engine->volume->map;
		if (!group->members[i].held)
			continue;
		if (map_snapshot(map, group->name))
			return why_set(
				why, -EEXIST, "a snapshot \"%s\" is there already", group->name);
		if (map->snapshots.len >= VOL_NAMES)
			return why_set(why, -ENOSPC, "there are %d snapshots already", VOL_NAMES);
		if (vec_reserve(&map->snapshots, map->snapshots.len + 1))
			return why_set(why, -ENOMEM, "no memory for a snapshot");
	}
	return 0;
}

/* Those that hold go on when nobody is waited for any more. */
void group_look(struct engine_group *group)
{
	size_t ready = 0;
	struct why why;
	for (size_t i = 0; i < group->count; i++)
		ready += group->members[i].held || group->members[i].told;
	if (ready < group->count && !planted(ENGINE_GROUP_NOT_HELD))
		return;
	int err = group->err;
	if (err)
		why = group->why;
	else
		err = check(group, &why);
	/* What one lets go may write to the next, which still holds. */
	for (size_t i = 0; i < group->count; i++) {
		struct engine_member *member = &group->members[i];
		if (!member->held)
			continue;
		member->held = false;
		if (err)
			commit_cancel(member->engine, err, &why);
		else
			commit_begin(member->engine);
	}
}

void group_held(struct engine_act *act)
{
	act->member->held = true;
	group_look(act->member->group);
}

struct map_group_of group_of(const struct engine_act *act)
{
	if (!act->member)
		return (struct map_group_of){.id = 0};
	const struct engine_group *group = act->member->group;
	return (struct map_group_of){
		group->id, planted(VOL_GROUP_NOT_NOTED) ? 0 : (uint32_t)group->count};
}

static void refuse(struct engine_group *group, const char *text)
{
	group->err = why_set(&group->why, -EINVAL, "%s", text);
	answer(group);
}

void engine_group_cut(struct engine_group *group)
{
	group->err = 0;
	if (!group->name[0] || !group->id || !group->count) {
		refuse(group, "a cut of several volumes has a name and a number");
		return;
	}
	if (strlen(group->name) >= VOL_NAME_MAX) {
		refuse(group, "the name of the snapshot is too long");
		return;
	}
	for (size_t i = 0; i < group->count; i++) {
		struct engine_member *member = &group->members[i];
		member->group = group;
		member->told = member->held = false;
		member->err = 0;
		set_name(member, group->name);
	}
	begin(group, cut);
	for (size_t i = 0; i < group->count; i++)
		start(&group->members[i], ENGINE_CUT);
	over(group);
}

/* ---- settling ---- */

static const struct map_snapshot *snapshot_of(const struct engine_member *member, uint64_t id)
{
	vec_each (snapshot, &member->engine->volume->map.snapshots)
		if (snapshot->group.id == id)
			return snapshot;
	return NULL;
}

static bool is_whole(const struct engine_group *group, struct map_group_of of)
{
	size_t cuts = 0;
	for (size_t i = 0; i < group->count; i++) {
		const struct map_snapshot *snapshot = snapshot_of(&group->members[i], of.id);
		if (snapshot && !snapshot->group.members)
			return true;
		cuts += snapshot != NULL;
	}
	return cuts == of.members;
}

/* A snapshot that belongs to a group of which nobody knows whether it is whole. */
static struct map_group_of find_open(const struct engine_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		vec_each (snapshot, &group->members[i].engine->volume->map.snapshots)
			if (snapshot->group.members)
				return snapshot->group;
	}
	return (struct map_group_of){.id = 0};
}

static void settle_next(struct engine_group *group)
{
	struct map_group_of of = find_open(group);
	if (group->err || !of.id) {
		answer(group);
		return;
	}
	bool whole = is_whole(group, of);
	begin(group, settle_next);
	for (size_t i = 0; i < group->count; i++) {
		struct engine_member *member = &group->members[i];
		const struct map_snapshot *snapshot = snapshot_of(member, of.id);
		if (!snapshot || !snapshot->group.members)
			continue;
		set_name(member, snapshot->name);
		start(member, whole ? ENGINE_WHOLE : ENGINE_DROP);
	}
	over(group);
}

void engine_group_settle(struct engine_group *group)
{
	group->err = 0;
	for (size_t i = 0; i < group->count; i++) {
		struct engine_member *member = &group->members[i];
		member->group = group;
		if (engine_stopped(member->engine))
			note(group, -EIO, &(struct why){"a volume of the group stopped"});
	}
	settle_next(group);
}
