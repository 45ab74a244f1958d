/* SPDX-License-Identifier: Apache-2.0 */
/* What volumes write into their journal, both ways. */
#include "vol/record.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/why.h"

enum { GROUP_SIZE = 12 };

#define ZEROS_BIT (UINT32_C(1) << 31)

size_t record_put_made(uint8_t *to, uint64_t size, bool sums)
{
	put_le64(to, size);
	put_le32(to + 8, VOL_BLOCK);
	put_le32(to + 12, VOL_EXTENT_BLOCKS);
	put_le32(to + 16, sums);
	return 20;
}

size_t record_put_resize(uint8_t *to, uint64_t size)
{
	put_le64(to, size);
	return 8;
}

static size_t put_name(uint8_t *to, const char *name)
{
	size_t len = strlen(name);
	must(len < VOL_NAME_MAX);
	to[0] = (uint8_t)len;
	memcpy(to + 1, name, len);
	return 1 + len;
}

size_t record_put_cut(uint8_t *to, uint32_t era, int64_t at_ns, const char *name)
{
	put_le32(to, era);
	put_le64(to + 4, (uint64_t)at_ns);
	return 12 + put_name(to + 12, name);
}

size_t record_put_group(uint8_t *to, struct map_group_of group)
{
	put_le64(to, group.id);
	put_le32(to + 8, group.members);
	return GROUP_SIZE;
}

size_t record_put_whole(uint8_t *to, uint32_t era)
{
	put_le32(to, era);
	return 4;
}

size_t record_put_drop(uint8_t *to, uint32_t era)
{
	put_le32(to, era);
	return 4;
}

size_t record_put_consumer(uint8_t *to, const struct map_consumer *consumer, bool exists)
{
	put_le32(to, consumer->passed);
	to[4] = exists;
	return 5 + put_name(to + 5, consumer->name);
}

void record_put_slot(uint8_t to[RECORD_SLOT_SIZE], uint32_t slot, const struct map_slot *state)
{
	put_le32(to, slot);
	put_le32(to + 4, state->extent);
	put_le32(to + 8, state->era | (state->zeros ? ZEROS_BIT : 0));
	put_le64(to + 12, state->present);
}

void record_put_change(uint8_t to[RECORD_CHANGE_SIZE], const struct map_change *change)
{
	put_le32(to, change->era);
	put_le32(to + 4, change->extent);
	put_le64(to + 8, change->blocks);
}

/* ---- reading ---- */

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* A text that fills the rest. Names are printed and compared: they hold no control characters. */
static int get_name(struct bytes rest, char ret[VOL_NAME_MAX])
{
	if (rest.len < 1 || rest.at[0] >= VOL_NAME_MAX || rest.len != 1U + rest.at[0])
		return -EBADMSG;
	for (size_t i = 1; i < rest.len; i++)
		if (rest.at[i] < ' ' || rest.at[i] == 127)
			return -EBADMSG;
	memcpy(ret, rest.at + 1, rest.len - 1);
	ret[rest.len - 1] = '\0';
	return 0;
}

static int apply_made(struct vol_map *map, struct bytes record)
{
	if (map->size || record.len != 20 || get_le32(record.at + 16) > 1 ||
		get_le32(record.at + 8) != VOL_BLOCK ||
		get_le32(record.at + 12) != VOL_EXTENT_BLOCKS)
		return -EBADMSG;
	int err = map_begin(map, get_le64(record.at));
	map->sums = !err && get_le32(record.at + 16);
	return err == -EINVAL ? -EBADMSG : err;
}

static int apply_resize(struct vol_map *map, struct bytes record)
{
	int err = record.len == 8 ? map_resize(map, get_le64(record.at)) : -EBADMSG;
	return err == -EINVAL ? -EBADMSG : err;
}

static int apply_slots(struct vol_map *map, struct bytes record)
{
	int err = record.len % RECORD_SLOT_SIZE ? -EBADMSG : 0;
	for (size_t at = 0; !err && at < record.len; at += RECORD_SLOT_SIZE) {
		const uint8_t *entry = record.at + at;
		uint32_t era = get_le32(entry + 8);
		struct map_slot state = {.extent = get_le32(entry + 4),
			.era = era & ~ZEROS_BIT,
			.zeros = era & ZEROS_BIT,
			.present = get_le64(entry + 12)};
		err = map_load_slot(map, get_le32(entry), &state);
	}
	return err;
}

static int apply_cut(struct vol_map *map, struct bytes record)
{
	char name[VOL_NAME_MAX];
	struct map_group_of group = {0};
	if (record.len >= 13 + GROUP_SIZE && record.len == 13U + record.at[12] + GROUP_SIZE) {
		record.len -= GROUP_SIZE;
		group.id = get_le64(record.at + record.len);
		group.members = get_le32(record.at + record.len + 8);
	}
	if (record.len < 12 || get_name((struct bytes){record.at + 12, record.len - 12}, name))
		return -EBADMSG;
	uint32_t era = get_le32(record.at);
	/* Rewritten journals begin with the snapshots that are left: eras jump, but only forward.
	 */
	if (era < map->era || era >= INT32_MAX)
		return -EBADMSG;
	map->era = era;
	int err = map_cut(map, name, (int64_t)get_le64(record.at + 4));
	if (!err && group.id && map_note_group(map, era, group))
		return -EBADMSG;
	return err == -ENOMEM ? err : err ? -EBADMSG : 0;
}

static int apply_whole(struct vol_map *map, struct bytes record)
{
	if (record.len != 4)
		return -EBADMSG;
	uint32_t era = get_le32(record.at);
	const struct map_snapshot *snapshot = map_snapshot_of(map, era);
	if (!snapshot || !snapshot->group.id)
		return -EBADMSG;
	return map_note_group(map, era, (struct map_group_of){snapshot->group.id, 0});
}

static int apply_consumer(struct vol_map *map, struct bytes record)
{
	char name[VOL_NAME_MAX];
	if (record.len < 5 || record.at[4] > 1 ||
		get_name((struct bytes){record.at + 5, record.len - 5}, name))
		return -EBADMSG;
	int err = record.at[4] ? map_passed(map, name, get_le32(record.at))
			       : map_consumer_gone(map, name);
	return err == -ENOMEM ? err : err ? -EBADMSG : 0;
}

static int apply_changed(struct vol_map *map, struct bytes record)
{
	int err = record.len % RECORD_CHANGE_SIZE ? -EBADMSG : 0;
	for (size_t at = 0; !err && at < record.len; at += RECORD_CHANGE_SIZE) {
		const uint8_t *entry = record.at + at;
		struct map_change change = {.era = get_le32(entry),
			.extent = get_le32(entry + 4),
			.blocks = get_le64(entry + 8)};
		err = map_load_change(map, &change);
	}
	return err;
}

static int apply(struct vol_map *map, uint16_t kind, struct bytes record)
{
	if (kind != RECORD_MADE && !map->size)
		return -EBADMSG;
	switch (kind) {
	case RECORD_MADE:
		return apply_made(map, record);
	case RECORD_RESIZE:
		return apply_resize(map, record);
	case RECORD_SLOTS:
		return apply_slots(map, record);
	case RECORD_CUT:
		return apply_cut(map, record);
	case RECORD_WHOLE:
		return apply_whole(map, record);
	case RECORD_DROP:
		return record.len == 4 && map_drop(map, get_le32(record.at)) == 0 ? 0 : -EBADMSG;
	case RECORD_CONSUMER:
		return apply_consumer(map, record);
	case RECORD_CHANGED:
		return apply_changed(map, record);
	default:
		return -EBADMSG;
	}
}

int record_apply(struct vol_map *map, uint16_t kind, const void *bytes, size_t len, struct why *why)
{
	int err = apply(map, kind, (struct bytes){bytes, len});
	if (err == -ENOMEM)
		return why_set(why, err, "no memory for the map of the volume");
	return err
		? why_set(why, err, "a record of kind %u and %zu bytes that cannot be", kind, len)
		: 0;
}
