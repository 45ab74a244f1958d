/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts, consumers, merging, and a journal that does not grow for ever. */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_group.h"
#include "vol/volume_inner.h"

static int name_ok(const char *name, struct why *why)
{
	bool ok = strlen(name) < VOL_NAME_MAX;
	for (const char *at = name; ok && *at; at++)
		ok = (unsigned char)*at >= ' ' && *at != 127;
	return ok ? 0
		  : why_set(why, -EINVAL, "a name has at most %d bytes, none of them a control",
			    VOL_NAME_MAX - 1);
}

static int append_synced(
	struct volume *volume, uint16_t kind, const uint8_t *record, size_t len, struct why *why)
{
	int err = journal_append(volume->journal, kind, record, len, why);
	return err ? volume_stop(volume, err) : volume_sync_journal(volume, why);
}

int volume_cut_of(
	struct volume *volume, const struct group_cut *cut, uint32_t members, struct why *why)
{
	int err = name_ok(cut->name, why);
	if (!err && !planted(VOL_CUT_NOT_FLUSHED))
		err = volume_flush(volume, why);
	if (err)
		return err;
	uint8_t record[RECORD_SMALL];
	const struct map_group_of group = {cut->group, members};
	uint32_t era = volume->map.era;
	size_t len = record_put_cut(record, era, cut->at_ns, cut->name);
	err = map_cut(&volume->map, cut->name, cut->at_ns);
	if (err)
		return why_errno(why, err, "the snapshot \"%s\" cannot be", cut->name);
	if (group.id) {
		len += record_put_group(record + len, group);
		must(map_note_group(&volume->map, era, group) == 0);
	}
	if (planted(VOL_CUT_NOT_RECORDED))
		return journal_append(volume->journal, RECORD_CUT, record, len, why);
	return append_synced(volume, RECORD_CUT, record, len, why);
}

int volume_cut(struct volume *volume, const char *name, int64_t at_ns, struct why *why)
{
	return volume_cut_of(volume, &(struct group_cut){.name = name, .at_ns = at_ns}, 0, why);
}

int volume_drop(struct volume *volume, const char *name, struct why *why)
{
	const struct map_snapshot *snapshot = map_snapshot(&volume->map, name);
	int err = volume_usable(volume, why);
	if (err)
		return err;
	if (!snapshot)
		return why_set(why, -ENOENT, "there is no snapshot \"%s\"", name);
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_drop(record, snapshot->era);
	must(map_drop(&volume->map, snapshot->era) == 0);
	return append_synced(volume, RECORD_DROP, record, len, why);
}

int volume_passed(struct volume *volume, const char *name, uint32_t era, struct why *why)
{
	int err = volume_usable(volume, why);
	if (!err)
		err = name_ok(name, why);
	if (err)
		return err;
	err = map_passed(&volume->map, name, era);
	if (err)
		return why_errno(why, err, "the consumer \"%s\" cannot pass era %u", name, era);
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_consumer(record, map_consumer(&volume->map, name), true);
	return append_synced(volume, RECORD_CONSUMER, record, len, why);
}

int volume_consumer_gone(struct volume *volume, const char *name, struct why *why)
{
	const struct map_consumer *consumer = map_consumer(&volume->map, name);
	int err = volume_usable(volume, why);
	if (err)
		return err;
	if (!consumer)
		return why_set(why, -ENOENT, "there is no consumer \"%s\"", name);
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_consumer(record, consumer, false);
	must(map_consumer_gone(&volume->map, name) == 0);
	return append_synced(volume, RECORD_CONSUMER, record, len, why);
}

/* ---- merging ---- */

static int copy_blocks(struct volume *volume, const struct map_merge *merge, struct why *why)
{
	uint32_t extent = volume->map.slots.at[merge->newer].extent;
	if (merge->copy && volume_note_written(volume, extent))
		return why_set(why, -ENOMEM, "no memory for what was written");
	int err = 0;
	for (unsigned i = 0; !err && i < VOL_EXTENT_BLOCKS; i++)
		if (merge->copy >> i & 1)
			err = volume_copy_block(volume, merge->from, merge->into, i, why);
	return err;
}

static int append_change(struct volume *volume, const struct map_change *change, struct why *why)
{
	if (!change->era || planted(VOL_CHANGE_NOT_RECORDED))
		return 0;
	uint8_t record[RECORD_CHANGE_SIZE];
	record_put_change(record, change);
	return volume_stop(volume,
		journal_append(volume->journal, RECORD_CHANGED, record, sizeof(record), why));
}

/* What the merge changes goes into one record: a half of it would lose blocks. */
int volume_merge(struct volume *volume, struct why *why)
{
	int err = volume_flush(volume, why);
	struct map_merge merge;
	if (err || !map_next_merge(&volume->map, &merge))
		return err;
	if (!planted(VOL_MERGE_NOT_COPIED))
		err = copy_blocks(volume, &merge, why);
	if (err)
		return err;
	if (planted(VOL_MERGE_NOT_SYNCED))
		volume->unsynced = false;
	struct map_change change;
	if (map_merged(&volume->map, &merge, &change))
		return why_set(why, -ENOMEM, "no memory for the map of the volume");
	err = append_change(volume, &change, why);
	if (!err)
		err = volume_flush(volume, why);
	return err ? err : 1;
}

/* ---- the journal ---- */

/* A size that differs from the one before it. */
static int fill_size(struct journal *to, uint64_t *size, uint64_t next, struct why *why)
{
	uint8_t record[RECORD_SMALL];
	if (*size == next)
		return 0;
	*size = next;
	return journal_append(to, RECORD_RESIZE, record, record_put_resize(record, next), why);
}

/* The size in the first record has room for all slots, also for those beyond a smaller volume. */
static int fill_eras(struct volume *volume, struct journal *to, struct why *why)
{
	uint8_t record[RECORD_SMALL];
	uint64_t room = (uint64_t)volume->map.extents * VOL_EXTENT;
	uint64_t size = volume->map.size > room - VOL_EXTENT ? volume->map.size : room;
	size_t len = record_put_made(record, size, volume->map.sums);
	int err = journal_append(to, RECORD_MADE, record, len, why);
	for (size_t i = 0; !err && i < volume->map.snapshots.len; i++) {
		const struct map_snapshot *snapshot = &volume->map.snapshots.at[i];
		err = fill_size(to, &size, snapshot->size, why);
		if (err)
			return err;
		len = record_put_cut(record, snapshot->era, snapshot->at_ns, snapshot->name);
		if (snapshot->group.id && !planted(VOL_TIDY_FORGETS_GROUP))
			len += record_put_group(record + len, snapshot->group);
		err = journal_append(to, RECORD_CUT, record, len, why);
	}
	if (!err && !planted(VOL_TIDY_FORGETS_SIZE))
		err = fill_size(to, &size, volume->map.size, why);
	uint32_t reached = volume->map.snapshots.len
		? volume->map.snapshots.at[volume->map.snapshots.len - 1].era + 1
		: 1;
	if (!err && reached < volume->map.era) {
		len = record_put_cut(record, volume->map.era - 1, 0, "");
		err = journal_append(to, RECORD_CUT, record, len, why);
	}
	for (size_t i = 0; !err && i < volume->map.consumers.len; i++) {
		len = record_put_consumer(record, &volume->map.consumers.at[i], true);
		err = journal_append(to, RECORD_CONSUMER, record, len, why);
	}
	return err;
}

static int fill_changes(struct volume *volume, struct journal *to, struct why *why)
{
	struct map_change forgotten = {.era = volume->map.forgotten, .extent = SLOT_NONE};
	uint8_t record[RECORD_CHANGE_SIZE];
	int err = 0;
	record_put_change(record, &forgotten);
	if (forgotten.era)
		err = journal_append(to, RECORD_CHANGED, record, sizeof(record), why);
	for (size_t i = 0; !err && i < volume->map.changes.len; i++) {
		record_put_change(record, &volume->map.changes.at[i]);
		err = journal_append(to, RECORD_CHANGED, record, sizeof(record), why);
	}
	return err;
}

static int fill_regions(struct volume *volume, struct journal *to, struct why *why)
{
	uint8_t record[4096];
	uint32_t cursor = 0;
	size_t len;
	int err = 0;
	while (!err && (len = sums_put_active(&volume->sums, &cursor, record, sizeof(record))) > 0)
		err = journal_append(to, RECORD_REGIONS, record, len, why);
	return err;
}

int volume_fill_eras(struct volume *volume, struct journal *to, struct why *why)
{
	int err = fill_eras(volume, to, why);
	if (!err && !planted(VOL_TIDY_FORGETS))
		err = fill_changes(volume, to, why);
	return err;
}

/* Slots many at a time: nothing is halved, because all of this becomes the journal in one step. */
static int fill(void *arg, struct journal *to, struct why *why)
{
	enum { AT_ONCE = 200 };
	struct volume *volume = arg;
	uint8_t record[AT_ONCE * RECORD_SLOT_SIZE];
	size_t len = 0;
	int err = volume_fill_eras(volume, to, why);
	if (!err && !planted(VOL_SUMS_TIDY_FORGETS))
		err = fill_regions(volume, to, why);
	for (uint32_t n = 0; !err && n < volume->map.slots.len; n++) {
		const struct map_slot *slot = &volume->map.slots.at[n];
		/* What waits for its data is not in the journal yet, and must not come in here. */
		if (!slot->present)
			continue;
		record_put_slot(record + len, n, slot);
		len += RECORD_SLOT_SIZE;
		if (len == sizeof(record)) {
			err = journal_append(to, RECORD_SLOTS, record, len, why);
			len = 0;
		}
	}
	return err || !len ? err : journal_append(to, RECORD_SLOTS, record, len, why);
}

/* As long as the journal is not twice what it could be, rewriting it does not pay. */
static uint64_t journal_need(const struct vol_map *map)
{
	return (map->slots.len - map->free.len) * RECORD_SLOT_SIZE +
		map->changes.len * (RECORD_CHANGE_SIZE + 40U) +
		(map->snapshots.len + map->consumers.len) * (RECORD_SMALL + 40U);
}

bool volume_tidy_pays(const struct volume *volume)
{
	enum { WORTH = 64 * 1024 };
	uint64_t size = journal_facts(volume->journal).size;
	return size >= WORTH && size / 2 >= journal_need(&volume->map);
}

int volume_tidy(struct volume *volume, struct why *why)
{
	return volume_tidy_pays(volume) ? volume_tidy_now(volume, why) : volume_usable(volume, why);
}

int volume_tidy_now(struct volume *volume, struct why *why)
{
	int err = volume_flush(volume, why);
	return err ? err : volume_stop(volume, journal_rewrite(volume->journal, fill, volume, why));
}
