/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, reading, writing, flushing. */
#include "vol/volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

/* So many slots fit into one record, and one record is applied as a whole or not at all. */
/* 12 MiB, which with the map of 1 TiB stay below 128; sums of 12 GiB. */
enum { SUMS_PAGES = 3072 };

enum { SLOTS_PER_RECORD = JOURNAL_RECORD_MAX / RECORD_SLOT_SIZE };

static int apply_record(void *arg, const struct journal_record *record, struct why *why)
{
	struct volume *volume = arg;
	if (record->kind == RECORD_UNSURE)
		return volume_load_unsure(volume, record->bytes, record->len, why);
	if (record->kind == RECORD_REGIONS) {
		int err = sums_load_regions(&volume->sums, record->bytes, record->len);
		return err ? why_errno(why, err, "map: a record of regions") : 0;
	}
	volume->written.len = 0;
	return record_apply(&volume->map, record->kind, record->bytes, record->len, why);
}

/*
 * A volume that is not made yet has no data: a file that an earlier try left is put in place anew,
 * because its name may never have become durable.
 */
static int open_file(
	struct volume *volume, const char *name, struct file **ret_file, struct why *why)
{
	unsigned flags = FILE_READ | FILE_WRITE;
	int err = 0;
	if (!volume->map.size) {
		flags |= FILE_CREATE | FILE_EXCLUSIVE;
		err = disk_unlink(volume->disk, name);
		err = err == -ENOENT ? 0 : err;
	}
	if (!err)
		err = disk_open(volume->disk, name, flags, ret_file);
	return err ? why_errno(why, err, "%s", name) : 0;
}

static int open_data(struct volume *volume, bool sums, struct why *why)
{
	int err = open_file(volume, "data", &volume->data, why);
	if (!err && sums)
		err = open_file(volume, "sums", &volume->sums_file, why);
	if (err)
		return err;
	if (!volume->map.size && !planted(VOL_FOLDER_NOT_SYNCED))
		err = disk_sync_dir(volume->disk, ".");
	/* What an unclean end left readable is durable before anybody relies on it. */
	if (!err && volume->map.size && !planted(VOL_DATA_NOT_RENEWED))
		err = file_sync(volume->data);
	return err ? why_errno(why, err, "data") : 0;
}

static int open_files(struct volume *volume, const struct volume_options *options, struct why *why)
{
	struct journal_options how = {.disk = options->disk,
		.name = "map",
		.label = {.kind = "vmap", .version = 1},
		.create = options->make_size != 0};
	memcpy(how.label.identity, options->identity, sizeof(how.label.identity));
	int err = journal_open(&how, apply_record, volume, &volume->journal, why);
	return err
		? err
		: open_data(volume, volume->map.size ? volume->map.sums : !options->no_sums, why);
}

static int make(struct volume *volume, uint64_t size, bool sums, struct why *why)
{
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_made(record, size, sums);
	int err = record_apply(&volume->map, RECORD_MADE, record, len, why);
	if (!err)
		err = journal_append(volume->journal, RECORD_MADE, record, len, why);
	return err ? err : journal_sync(volume->journal, why);
}

int volume_open(const struct volume_options *options, struct volume **ret_volume, struct why *why)
{
	OWN(volume_close_own) struct volume *volume = calloc(1, sizeof(*volume));
	if (!volume)
		return why_set(why, -ENOMEM, "no memory for a volume");
	volume->disk = options->disk;
	sums_begin(&volume->sums, options->identity,
		options->sums_pages ? options->sums_pages : SUMS_PAGES);
	int err = open_files(volume, options, why);
	if (!err && !volume->map.size)
		err = options->make_size ? make(volume, options->make_size, !options->no_sums, why)
					 : why_set(why, -EBADMSG, "map: a volume without a size");
	if (err)
		return err;
	if (options->make_size && options->make_size != volume->map.size)
		return why_set(why, -EEXIST, "a volume of %llu bytes is there already",
			(unsigned long long)volume->map.size);
	err = volume_load_recent(volume, options, why);
	if (err)
		return err;
	err = map_loaded(&volume->map);
	if (err)
		return why_set(why, err, "map: its slots contradict each other");
	volume->sums_unsure = volume->sums.facts.suspect > 0;
	err = volume_make_sure(volume, why);
	/* Its bytes were synced when their file was opened. */
	if (!err && volume->map.touched.len)
		err = volume_flush(volume, why);
	if (err) {
		recent_done(&volume->recent); /* it is there for the next try */
		return err;
	}
	volume_forget_recent(volume);
	*ret_volume = TAKE(volume);
	return 0;
}

void volume_close(struct volume *volume)
{
	if (!volume)
		return;
	file_close(volume->data);
	file_close(volume->sums_file);
	sums_end(&volume->sums);
	if (volume->stopped)
		volume_forget_recent(volume);
	recent_done(&volume->recent);
	journal_close(volume->journal);
	map_end(&volume->map);
	vec_done(&volume->gone);
	vec_done(&volume->written);
	free(volume->record);
	free(volume);
}

void volume_close_own(struct volume **volume)
{
	volume_close(*volume);
}

const struct vol_map *volume_map(const struct volume *volume)
{
	return &volume->map;
}

int volume_stop(struct volume *volume, int err)
{
	if (err)
		volume->stopped = true;
	return err;
}

int volume_usable(const struct volume *volume, struct why *why)
{
	return volume->stopped
		? why_set(why, -EIO, "the volume stopped after a failure; open it anew")
		: 0;
}

/* Where bytes of the volume go. */
struct bytes {
	uint8_t *at;
	size_t len;
};

static int check_range(
	const struct volume *volume, uint32_t view, uint64_t at, uint64_t len, struct why *why)
{
	int err = volume_usable(volume, why);
	if (err)
		return err;
	uint64_t size = view ? map_view_size(&volume->map, view) : volume->map.size;
	if (at > size || len > size - at)
		return why_set(why, -EINVAL, "%llu bytes at %llu are beyond the volume's %llu",
			(unsigned long long)len, (unsigned long long)at, (unsigned long long)size);
	return 0;
}

static struct slot_part part_of(uint32_t slot, uint64_t at, size_t len)
{
	unsigned first = (unsigned)(at % VOL_EXTENT / VOL_BLOCK);
	unsigned end = (unsigned)((at % VOL_EXTENT + len + VOL_BLOCK - 1) / VOL_BLOCK);
	return (struct slot_part){slot, first, end - first};
}

/* A part of a run: whole blocks, or less than one, since sums are of blocks. */
static int read_run(
	struct volume *volume, struct map_run run, uint64_t at, struct bytes to, struct why *why)
{
	uint8_t block[VOL_BLOCK];
	if (run.slot == SLOT_NONE) {
		memset(to.at, 0, to.len);
		return 0;
	}
	struct slot_part part = part_of(run.slot, at, to.len);
	if (to.len % VOL_BLOCK == 0)
		return volume_read_slot(volume, part, to.at, why);
	int err = volume_read_slot(volume, part, block, why);
	if (!err)
		memcpy(to.at, block + at % VOL_BLOCK, to.len);
	return err;
}

/* The longest part from `at` on that is one piece of work: within a block or within an extent. */
static size_t next_part(uint64_t at, uint64_t len)
{
	uint64_t room = at % VOL_BLOCK ? VOL_BLOCK - at % VOL_BLOCK
		: len < VOL_BLOCK      ? len
				       : VOL_EXTENT - at % VOL_EXTENT;
	if (room > len)
		room = at % VOL_BLOCK || len < VOL_BLOCK ? len : len - len % VOL_BLOCK;
	return (size_t)room;
}

int volume_read(
	struct volume *volume, uint32_t view, uint64_t at, void *bytes, size_t len, struct why *why)
{
	int err = check_range(volume, view, at, len, why);
	uint8_t *to = bytes;
	while (!err && len > 0) {
		struct map_run run = map_find(
			&volume->map, view ? view : volume->map.era, at / VOL_BLOCK);
		uint64_t end = (at / VOL_BLOCK + run.blocks) * VOL_BLOCK;
		size_t part = next_part(at, end - at < len ? end - at : len);
		err = read_run(volume, run, at, (struct bytes){to, part}, why);
		at += part;
		to += part;
		len -= part;
	}
	return err;
}

static uint64_t blocks_of(uint64_t at, uint64_t len)
{
	unsigned first = (unsigned)(at % VOL_EXTENT / VOL_BLOCK);
	unsigned count = (unsigned)((at + len - 1) / VOL_BLOCK - at / VOL_BLOCK) + 1;
	return (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

/* One record holds all that waits: it is applied as a whole or not at all. */
static bool must_flush(struct volume *volume)
{
	return volume->map.touched.len + 2 > SLOTS_PER_RECORD ||
		!recent_has_room(&volume->recent, 1);
}

/* Whole blocks of one extent. */
static int write_blocks(
	struct volume *volume, uint64_t at, const void *bytes, size_t len, struct why *why)
{
	int err = must_flush(volume) ? volume_flush(volume, why) : 0;
	uint32_t slot;
	if (!err && map_place(&volume->map, (uint32_t)(at / VOL_EXTENT), &slot))
		err = why_set(why, -ENOMEM, "no memory for the map of the volume");
	if (err)
		return err;
	err = volume_note_written(volume, (uint32_t)(at / VOL_EXTENT));
	if (err)
		return why_set(why, err, "no memory for what was written");
	err = volume_write_slot(volume, part_of(slot, at, len), bytes, why);
	if (err)
		return err;
	volume_wrote(volume, slot, blocks_of(at, len));
	return 0;
}

/* Less than a block: what surrounds it is read first. */
static int write_part(
	struct volume *volume, uint64_t at, const void *bytes, size_t len, struct why *why)
{
	uint8_t block[VOL_BLOCK];
	uint64_t start = at - at % VOL_BLOCK;
	struct map_run run = map_find(&volume->map, volume->map.era, start / VOL_BLOCK);
	int err = read_run(volume, run, start, (struct bytes){block, VOL_BLOCK}, why);
	if (err)
		return err;
	memcpy(block + at % VOL_BLOCK, bytes, len);
	return write_blocks(volume, start, block, VOL_BLOCK, why);
}

int volume_write(struct volume *volume, uint64_t at, const void *bytes, size_t len, struct why *why)
{
	int err = check_range(volume, 0, at, len, why);
	const uint8_t *from = bytes;
	while (!err && len > 0) {
		size_t part = next_part(at, len);
		bool whole = at % VOL_BLOCK == 0 && part % VOL_BLOCK == 0;
		err = (whole ? write_blocks : write_part)(volume, at, from, part, why);
		at += part;
		from += part;
		len -= part;
	}
	return err;
}

int volume_zero_range(struct volume *volume, uint64_t at, uint64_t len, struct why *why)
{
	static const uint8_t zeros[VOL_BLOCK];
	int err = 0;
	while (!err && len > 0) {
		size_t part = next_part(at, len);
		if (at % VOL_BLOCK || part % VOL_BLOCK)
			err = write_part(volume, at, zeros, part, why);
		else if (must_flush(volume))
			err = volume_flush(volume, why);
		if (!err && at % VOL_BLOCK == 0 && part % VOL_BLOCK == 0 &&
			volume_zeroed(volume, (uint32_t)(at / VOL_EXTENT), blocks_of(at, part)))
			err = why_set(why, -ENOMEM, "no memory for the map of the volume");
		at += part;
		len -= part;
	}
	return err;
}

int volume_zero(struct volume *volume, uint64_t at, uint64_t len, struct why *why)
{
	int err = check_range(volume, 0, at, len, why);
	return err ? err : volume_zero_range(volume, at, len, why);
}

static int put_slot(void *arg, uint32_t slot, const struct map_slot *state)
{
	struct volume *volume = arg;
	must(volume->record_len + RECORD_SLOT_SIZE <= JOURNAL_RECORD_MAX);
	record_put_slot(volume->record + volume->record_len, slot, state);
	volume->record_len += RECORD_SLOT_SIZE;
	return state->era ? 0 : vec_push(&volume->gone, slot);
}

/* All slots that changed, as one record. */
static int append_slots(struct volume *volume, struct why *why)
{
	if (!volume->record)
		volume->record = malloc(JOURNAL_RECORD_MAX);
	volume->record_len = 0;
	if (!volume->record || vec_reserve(&volume->gone, volume->map.touched.len))
		return why_set(why, -ENOMEM, "no memory for a record of slots");
	volume->gone.len = 0;
	must(map_take_touched(&volume->map, put_slot, volume) == 0);
	return volume_stop(volume,
		journal_append(
			volume->journal, RECORD_SLOTS, volume->record, volume->record_len, why));
}

static int sync_data(struct volume *volume, struct why *why)
{
	if (!volume->unsynced || planted(VOL_DATA_NOT_SYNCED))
		return 0;
	int err = file_sync(volume->data);
	if (err) {
		volume_tell_unsure(volume);
		return volume_stop(volume, why_errno(why, err, "data: sync"));
	}
	volume->written.len = 0;
	volume->unsynced = false;
	return 0;
}

int volume_flush(struct volume *volume, struct why *why)
{
	int err = volume_usable(volume, why);
	if (!err && !planted(VOL_MAP_BEFORE_DATA))
		err = sync_data(volume, why);
	if (!err && volume->map.touched.len > 0) {
		if (!planted(VOL_SUMS_FRESH_NOT_LOGGED))
			err = volume_append_regions(volume, why);
		if (!err)
			err = append_slots(volume, why);
		if (!err && !planted(VOL_MAP_NOT_SYNCED))
			err = volume_sync_journal(volume, why);
		if (err)
			return err;
		vec_each (slot, &volume->gone) {
			map_free(&volume->map, *slot);
			sums_forget(&volume->sums, *slot);
		}
		volume->gone.len = 0;
		volume_forget_recent(volume);
	}
	if (!err && planted(VOL_MAP_BEFORE_DATA))
		err = sync_data(volume, why);
	return err;
}
