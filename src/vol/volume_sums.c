/* SPDX-License-Identifier: Apache-2.0 */
/* Data with its sums, their rest, and reading back. */
#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

static uint64_t block_in_data(uint32_t slot, unsigned block)
{
	return (uint64_t)slot * VOL_EXTENT + (uint64_t)block * VOL_BLOCK;
}

static int write_page(
	struct volume *volume, uint32_t page, const void *bytes, const char *what, struct why *why)
{
	int err = file_write_full(volume->sums_file, bytes, SUMS_PAGE, (uint64_t)page * SUMS_PAGE);
	sums_written(&volume->sums, page, !err);
	return err ? why_errno(why, err, "sums: %s page %u", what, page) : 0;
}

/* The file ends where no page was written yet. */
static int read_page(struct volume *volume, uint32_t page, uint8_t *bytes, struct why *why)
{
	size_t have = 0;
	ssize_t got = 1;
	while (have < SUMS_PAGE && got > 0) {
		got = file_read_at(volume->sums_file, bytes + have, SUMS_PAGE - have,
			(uint64_t)page * SUMS_PAGE + have);
		have += got > 0 ? (size_t)got : 0;
	}
	memset(bytes + have, 0, SUMS_PAGE - have);
	sums_loaded(&volume->sums, page, got >= 0);
	return got < 0 ? why_errno(why, (int)got, "sums: reading page %u", page) : 0;
}

static int load_page(struct volume *volume, uint32_t slot, struct why *why)
{
	if (sums_reserve(&volume->sums, volume->map.slots.len))
		return why_set(why, -ENOMEM, "no memory for the sums of the volume");
	if (sums_look(&volume->sums, slot) == SUMS_HERE)
		return 0;
	void *bytes;
	int err = sums_load(&volume->sums, sums_page(slot), &bytes);
	if (err == -EAGAIN) {
		const void *dirty;
		uint32_t cursor = volume->sums.hand, page;
		if (!sums_next_dirty(&volume->sums, false, &cursor, &page, &dirty)) {
			cursor = 0;
			sums_next_dirty(&volume->sums, false, &cursor, &page, &dirty);
		}
		err = write_page(volume, page, dirty, "making room by", why);
		if (err)
			return err;
		err = sums_load(&volume->sums, sums_page(slot), &bytes);
	}
	if (err)
		return why_set(why, err, "no memory for the sums of the volume");
	return read_page(volume, sums_page(slot), bytes, why);
}

/* ---- the journal ---- */

int volume_append_regions(struct volume *volume, struct why *why)
{
	uint8_t record[4096];
	size_t len = 0;
	int err;
	do {
		uint64_t ticket = journal_facts(volume->journal).sequence + 1;
		err = sums_put_wanted(&volume->sums, ticket, record, sizeof(record), &len);
		if (err)
			return why_set(why, err, "no memory for the sums of the volume");
		if (len)
			err = volume_stop(volume,
				journal_append(volume->journal, RECORD_REGIONS, record, len, why));
	} while (!err && len == sizeof(record));
	return err;
}

int volume_sync_journal(struct volume *volume, struct why *why)
{
	int err = volume_stop(volume, journal_sync(volume->journal, why));
	if (!err)
		sums_synced(&volume->sums, journal_facts(volume->journal).synced);
	return err;
}

/* A slot that a durable record may show is written over only when its region is known to be. */
static int make_active(struct volume *volume, uint32_t slot, struct why *why)
{
	if (sums_want(&volume->sums, slot) || !volume->map.slots.at[slot].told)
		return 0;
	int err = volume_append_regions(volume, why);
	if (planted(VOL_SUMS_LOG_NOT_SYNCED)) {
		sums_synced(&volume->sums, UINT64_MAX);
		return err;
	}
	return err ? err : volume_sync_journal(volume, why);
}

/* ---- slots ---- */

static int judge_blocks(struct volume *volume, struct slot_part part, uint8_t *at, struct why *why)
{
	for (unsigned end = part.first + part.count; part.first < end; part.first++) {
		if (!sums_judge(&volume->sums, part.slot, part.first, at))
			return why_set(why, -EIO,
				"data: block %u of slot %u is not what was written", part.first,
				part.slot);
		at += VOL_BLOCK;
	}
	return 0;
}

int volume_read_slot(struct volume *volume, struct slot_part part, void *bytes, struct why *why)
{
	int err = volume->map.sums ? load_page(volume, part.slot, why) : 0;
	if (err)
		return err;
	err = file_read_full(volume->data, bytes, (size_t)part.count * VOL_BLOCK,
		block_in_data(part.slot, part.first));
	if (err)
		return why_errno(why, err, "data: reading slot %u", part.slot);
	if (!volume->map.sums)
		return 0;
	unsigned good = sums_match(&volume->sums, part.slot, part.first, part.count, bytes);
	struct slot_part rest = {part.slot, part.first + good, part.count - good};
	return judge_blocks(volume, rest, (uint8_t *)bytes + (size_t)good * VOL_BLOCK, why);
}

int volume_write_slot(
	struct volume *volume, struct slot_part part, const void *bytes, struct why *why)
{
	struct sums_write write;
	int err = volume->map.sums ? load_page(volume, part.slot, why) : 0;
	if (!err && volume->map.sums)
		err = make_active(volume, part.slot, why);
	if (err)
		return err;
	if (volume->map.sums)
		sums_write(&volume->sums, &write, part.slot, part.first, part.count, bytes);
	err = file_write_full(volume->data, bytes, (size_t)part.count * VOL_BLOCK,
		block_in_data(part.slot, part.first));
	if (volume->map.sums)
		sums_wrote(&volume->sums, &write, !err);
	return err ? why_errno(why, err, "data: writing slot %u", part.slot) : 0;
}

int volume_copy_block(
	struct volume *volume, uint32_t from, uint32_t into, unsigned block, struct why *why)
{
	uint8_t bytes[VOL_BLOCK];
	const struct slot_part source = {from, block, 1}, target = {into, block, 1};
	int err = volume_read_slot(volume, source, bytes, why);
	bool spoilt = err == -EIO && sums_is_bad(&volume->sums, from, block);
	if (err && !spoilt)
		return err;
	err = volume_write_slot(volume, target, bytes, why);
	if (!err && spoilt)
		sums_spoil(&volume->sums, into, block);
	return err;
}

/* ---- rest ---- */

static int write_resting(struct volume *volume, struct why *why)
{
	uint32_t cursor = 0, page;
	const void *bytes;
	int err = 0;
	while (!err && sums_next_dirty(&volume->sums, true, &cursor, &page, &bytes))
		err = write_page(volume, page, bytes, "writing", why);
	return err;
}

int volume_lengthen_sums(struct volume *volume)
{
	uint64_t size;
	int err = volume->sums_unsure ? file_size(volume->sums_file, &size) : 0;
	if (!err && volume->sums_unsure)
		err = file_truncate(volume->sums_file, size + SUMS_PAGE);
	if (!err)
		volume->sums_unsure = false;
	return err;
}

static int sync_sums(struct volume *volume, struct why *why)
{
	int err = volume_lengthen_sums(volume);
	if (!err && !planted(VOL_SUMS_NOT_SYNCED))
		err = volume_stop(volume, file_sync(volume->sums_file));
	return err ? why_errno(why, err, "sums: sync") : 0;
}

int volume_rest(struct volume *volume, bool all, struct why *why)
{
	int err = planted(VOL_SUMS_BEFORE_DATA) ? 0 : volume_flush(volume, why);
	if (err || !sums_rest_begin(&volume->sums, all))
		return err;
	if (!planted(VOL_SUMS_NOT_WRITTEN))
		err = write_resting(volume, why);
	if (!err)
		err = sync_sums(volume, why);
	uint8_t record[4096];
	size_t len = 1;
	while (!err && (len = sums_rest_end(&volume->sums, record, sizeof(record))) > 0)
		err = volume_stop(
			volume, journal_append(volume->journal, RECORD_REGIONS, record, len, why));
	return err ? err : volume_sync_journal(volume, why);
}

/* ---- scrub ---- */

/* Bad blocks are counted; what cannot be read is an error. */
static int scrub_slot(struct volume *volume, uint32_t slot, bool renew, struct why *why)
{
	uint8_t bytes[VOL_BLOCK];
	uint64_t present = volume->map.slots.at[slot].present;
	int err = 0, first = 0;
	if (!present || volume->map.slots.at[slot].zeros)
		return 0;
	for (unsigned i = 0; i < VOL_EXTENT_BLOCKS; i++) {
		if (!(present >> i & 1))
			continue;
		err = volume_read_slot(volume, (struct slot_part){slot, i, 1}, bytes, why);
		if (err && !(err == -EIO && sums_is_bad(&volume->sums, slot, i)))
			first = first ? first : err;
	}
	if (!first && renew && !planted(VOL_SUMS_NOT_RENEWED)) {
		first = load_page(volume, slot, why);
		if (!first)
			sums_renew(&volume->sums, slot);
	}
	return first;
}

static int scrub_region(struct volume *volume, uint32_t region, struct why *why)
{
	uint32_t slot = region * SUMS_REGION_SLOTS;
	int err = 0;
	sums_verify(&volume->sums, region);
	for (uint32_t end = slot + SUMS_REGION_SLOTS; !err && slot < end; slot++)
		if (slot < volume->map.slots.len)
			err = scrub_slot(volume, slot, true, why);
	if (!err)
		sums_verified(&volume->sums, region);
	return err;
}

int volume_scrub(struct volume *volume, struct why *why)
{
	int err = volume_usable(volume, why);
	if (err || !volume->map.sums)
		return err;
	uint32_t region = sums_suspect(&volume->sums, volume->suspect_at);
	if (region != UINT32_MAX) {
		volume->suspect_at = region + 1;
		err = scrub_region(volume, region, why);
		return err ? err : 1;
	}
	if (volume->scrub_at < volume->map.slots.len) {
		err = scrub_slot(volume, volume->scrub_at++, false, why);
		return err ? err : 1;
	}
	volume->scrub_at = volume->suspect_at = 0;
	return 0;
}

const struct sums_facts *volume_sums(const struct volume *volume)
{
	return &volume->sums.facts;
}
