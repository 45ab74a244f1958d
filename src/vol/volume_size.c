/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing and shrinking. The record of the new size is what counts: a crash leaves the one or the
 * other. What lies beyond a volume that shrank is cleared after it, and before it grows again.
 */
#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/why.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

/* All from byte `from` on reads as zeros, in this era; snapshots keep what they have. */
static int clear(struct volume *volume, uint64_t from, struct why *why)
{
	uint64_t end = (uint64_t)volume->map.extents * VOL_EXTENT_BLOCKS;
	uint64_t part = from % VOL_BLOCK, block = from / VOL_BLOCK;
	int err = 0;
	if (part && map_next_shown(&volume->map, block, block + 1) == block)
		err = volume_zero_range(volume, from, VOL_BLOCK - part, why);
	block += part > 0;
	while (!err && (block = map_next_shown(&volume->map, block, end)) < end) {
		uint64_t next = (block / VOL_EXTENT_BLOCKS + 1) * VOL_EXTENT_BLOCKS;
		err = volume_zero_range(volume, block * VOL_BLOCK, (next - block) * VOL_BLOCK, why);
		block = next;
	}
	return err;
}

static int check_size(struct volume *volume, uint64_t size, bool force, struct why *why)
{
	int err = volume_usable(volume, why);
	if (err)
		return err;
	if (size == 0 || size % 512 != 0 || size > VOL_SIZE_MAX)
		return why_set(why, -EINVAL,
			"a volume has a multiple of 512 bytes, at most 8 TiB, not %llu",
			(unsigned long long)size);
	uint64_t end = (volume->map.size + VOL_BLOCK - 1) / VOL_BLOCK;
	uint64_t shown = map_next_shown(&volume->map, size / VOL_BLOCK, end);
	if (!force && size < volume->map.size && shown < end)
		return why_set(why, -EBUSY, "there is data at %llu, beyond the new size",
			(unsigned long long)(shown * VOL_BLOCK));
	return 0;
}

int volume_resize(struct volume *volume, uint64_t size, bool force, struct why *why)
{
	uint64_t was = volume->map.size;
	int err = check_size(volume, size, force, why);
	if (!err && size > was && !planted(VOL_GROWN_NOT_CLEARED))
		err = clear(volume, was, why);
	if (!err)
		err = volume_flush(volume, why);
	if (err || size == was)
		return err;
	err = map_resize(&volume->map, size);
	if (err)
		return why_set(why, err, "no memory for the map of a larger volume");
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_resize(record, size);
	err = volume_stop(volume, journal_append(volume->journal, RECORD_RESIZE, record, len, why));
	if (!err && !planted(VOL_RESIZE_NOT_SYNCED))
		err = volume_sync_journal(volume, why);
	/* What is cut off is lost when the record is durable, and not before. */
	if (!err && size < was)
		err = clear(volume, size, why);
	return err ? err : volume_flush(volume, why);
}
