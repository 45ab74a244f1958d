/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a sync of data that failed. The kernel takes such pages for written: they can be read until
 * memory is short, and the next sync says yes without writing them. So they are written again.
 */
#include <errno.h>

#include "base/bytes.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

enum { UNSURE_MAX = 64 * 1024 };

int volume_note_written(struct volume *volume, uint32_t extent)
{
	volume->unsynced = true;
	size_t len = volume->written.len;
	if (len > UNSURE_MAX || (len && volume->written.at[len - 1] == extent))
		return 0;
	return vec_push(&volume->written, extent);
}

void volume_tell_unsure(struct volume *volume)
{
	size_t count = volume->written.len > UNSURE_MAX ? 0 : volume->written.len;
	/* In place: the list is of no use to a volume that stopped. */
	for (size_t i = 0; i < count; i++)
		put_le32((uint8_t *)&volume->written.at[i], volume->written.at[i]);
	if (planted(VOL_UNSURE_NOT_TOLD))
		return;
	if (journal_append(volume->journal, RECORD_UNSURE, volume->written.at,
		    count * sizeof(uint32_t), NULL) == 0)
		journal_sync(volume->journal, NULL);
}

int volume_load_unsure(struct volume *volume, const void *bytes, size_t len, struct why *why)
{
	const uint8_t *at = bytes;
	size_t count = len / sizeof(uint32_t);
	if (len % sizeof(uint32_t) || !volume->map.size)
		return why_set(why, -EBADMSG, "a record of what is unsure that cannot be");
	volume->written.len = 0;
	for (size_t i = 0; i < (count ? count : volume->map.extents); i++) {
		uint32_t extent = count ? get_le32(at + 4 * i) : (uint32_t)i;
		if (extent >= volume->map.extents)
			return why_set(why, -EBADMSG, "extent %u is beyond the volume", extent);
		if (vec_push(&volume->written, extent))
			return why_set(why, -ENOMEM, "no memory for what is unsure");
	}
	return 0;
}

static int write_again(struct volume *volume, uint32_t n, struct why *why)
{
	const struct map_slot *slot = &volume->map.slots.at[n];
	uint8_t block[VOL_BLOCK];
	for (unsigned i = 0; i < VOL_EXTENT_BLOCKS && !slot->zeros; i++) {
		uint64_t at = (uint64_t)n * VOL_EXTENT + (uint64_t)i * VOL_BLOCK;
		if (!(slot->present >> i & 1))
			continue;
		int err = file_read_full(volume->data, block, sizeof(block), at);
		if (!err)
			err = file_write_full(volume->data, block, sizeof(block), at);
		if (err)
			return why_errno(why, err, "data: writing slot %u again", n);
	}
	return 0;
}

int volume_make_sure(struct volume *volume, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < volume->written.len; i++) {
		uint32_t n = volume->map.newest[volume->written.at[i]] - 1;
		for (; !err && n != SLOT_NONE; n = volume->map.slots.at[n].older)
			err = write_again(volume, n, why);
	}
	if (err || !volume->written.len)
		return err;
	/* The length of the file is as unsure: it is set to one that it never had. */
	uint64_t size;
	err = file_size(volume->data, &size);
	if (!err)
		err = file_truncate(volume->data, size + VOL_EXTENT);
	if (!err)
		err = file_sync(volume->data);
	if (err)
		return why_errno(why, err, "data: making it sure");
	volume->written.len = 0;
	return 0;
}
