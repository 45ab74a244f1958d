/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting several volumes as one. */
#include "vol/volume_group.h"

#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/why.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

static int settle_one(struct volume *volume, const struct map_snapshot *snapshot, struct why *why)
{
	const struct map_group_of whole = {snapshot->group.id, 0};
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_whole(record, snapshot->era);
	int err = map_note_group(&volume->map, snapshot->era, whole);
	if (!err)
		err = journal_append(volume->journal, RECORD_WHOLE, record, len, why);
	return err ? volume_stop(volume, err) : volume_sync_journal(volume, why);
}

/* Nothing is begun that could be known to fail. */
static int check_cut(
	struct volume **volumes, size_t count, const struct group_cut *cut, struct why *why)
{
	int err = cut->name[0] && cut->group
		? 0
		: why_set(why, -EINVAL, "a cut of several volumes has a name and a number");
	for (size_t i = 0; !err && i < count; i++) {
		err = volume_flush(volumes[i], why);
		if (!err && map_snapshot(&volumes[i]->map, cut->name))
			err = why_set(
				why, -EEXIST, "a snapshot \"%s\" is there already", cut->name);
	}
	return err;
}

int volume_group_cut(
	struct volume **volumes, size_t count, const struct group_cut *cut, struct why *why)
{
	uint32_t members = planted(VOL_GROUP_NOT_NOTED) ? 0 : (uint32_t)count;
	int err = check_cut(volumes, count, cut, why);
	if (err)
		return err;
	for (size_t i = 0; !err && i < count; i++) {
		err = volume_cut_of(volumes[i], cut, members, why);
		if (!err && planted(VOL_GROUP_WHOLE_EARLY))
			err = settle_one(
				volumes[i], map_snapshot(&volumes[i]->map, cut->name), why);
	}
	if (err) {
		(void)volume_group_settle(volumes, count, NULL);
		return err;
	}
	return volume_group_settle(volumes, count, why);
}

/* ---- settling ---- */

static const struct map_snapshot *snapshot_of(const struct volume *volume, uint64_t group)
{
	vec_each (snapshot, &volume->map.snapshots)
		if (snapshot->group.id == group)
			return snapshot;
	return NULL;
}

static bool is_whole(struct volume **volumes, size_t count, const struct map_group_of *group)
{
	size_t cut = 0;
	for (size_t i = 0; i < count; i++) {
		const struct map_snapshot *snapshot = snapshot_of(volumes[i], group->id);
		if (snapshot && !snapshot->group.members)
			return true;
		cut += snapshot != NULL;
	}
	return cut == group->members;
}

static int settle_group(
	struct volume **volumes, size_t count, struct map_group_of group, struct why *why)
{
	bool whole = is_whole(volumes, count, &group);
	int err = 0;
	for (size_t i = 0; !err && i < count; i++) {
		const struct map_snapshot *snapshot = snapshot_of(volumes[i], group.id);
		if (!snapshot || !snapshot->group.members)
			continue;
		char name[VOL_NAME_MAX];
		memcpy(name, snapshot->name, sizeof(name));
		err = whole ? settle_one(volumes[i], snapshot, why)
			    : volume_drop(volumes[i], name, why);
	}
	return err;
}

int volume_group_settle(struct volume **volumes, size_t count, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < count; i++)
		err = volume_usable(volumes[i], why);
	for (size_t i = 0; !err && i < count; i++) {
		const struct vol_map *map = &volumes[i]->map;
		for (size_t n = 0; !err && n < map->snapshots.len;) {
			const struct map_snapshot *snapshot = &map->snapshots.at[n];
			if (snapshot->group.members)
				err = settle_group(volumes, count, snapshot->group, why);
			else
				n++;
		}
	}
	return err;
}
