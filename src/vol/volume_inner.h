/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a volume share. For these only.
 *
 * One thread at a time for each volume.
 */
#ifndef EBB_VOL_VOLUME_INNER_H
#define EBB_VOL_VOLUME_INNER_H

#include "vol/recent.h"
#include "vol/sums.h"
#include "vol/volume.h"

struct file;
struct journal;

struct volume {
	struct disk *disk; /* borrowed */
	struct vol_map map;
	struct journal *journal;
	struct file *data;
	struct sums sums;
	struct file *sums_file; /* NULL: the volume has none */
	VEC(uint32_t) gone;     /* slots that are free once the record under way is durable */
	VEC(uint32_t) written;  /* extents that were written since the last sync of data */
	struct recent recent;
	uint8_t *record;
	size_t record_len;
	uint32_t scrub_at, suspect_at; /* a slot and a region where scrubbing goes on */
	bool sums_unsure;              /* the length of their file may be not durable */
	bool unsynced;                 /* data was written since its last sync */
	bool stopped;
};

/* 0, or -EIO after a failure that cannot be mended without opening anew. */
int volume_usable(const struct volume *volume, struct why *why);

/* Passes an error on, and stops the volume when it is one. */
int volume_stop(struct volume *volume, int err);

/* ---- volume.c ---- */

/* volume_zero() of what may lie beyond the size. */
int volume_zero_range(struct volume *volume, uint64_t at, uint64_t len, struct why *why);

/* ---- volume_recent.c ---- */

/* As map_wrote() and map_zero(), noted for a life that follows a kill. */
void volume_wrote(struct volume *volume, uint32_t slot, uint64_t blocks);
int volume_zeroed(struct volume *volume, uint32_t extent, uint64_t blocks);

/* Nothing that was noted counts any more: all is durable, or nobody knows what is. */
void volume_forget_recent(struct volume *volume);

/* Takes over what a life that was killed left, between the records and map_loaded(). */
int volume_load_recent(
	struct volume *volume, const struct volume_options *options, struct why *why);

/* ---- volume_sums.c ---- */

struct slot_part {
	uint32_t slot;
	unsigned first, count; /* blocks */
};

int volume_read_slot(struct volume *volume, struct slot_part part, void *bytes, struct why *why);
int volume_write_slot(
	struct volume *volume, struct slot_part part, const void *bytes, struct why *why);

/* A bad block stays bad where it is copied to. */
int volume_copy_block(
	struct volume *volume, uint32_t from, uint32_t into, unsigned block, struct why *why);

/* Regions that are wanted come before the slots that are in them. */
int volume_append_regions(struct volume *volume, struct why *why);

int volume_sync_journal(struct volume *volume, struct why *why);

/*
 * After an unclean end the length of the file of sums may be one that only memory has: it is set to
 * one that it never had.
 */
int volume_lengthen_sums(struct volume *volume);

/* ---- volume_eras.c ---- */

struct group_cut;

/* One volume's part of a group's cut; group 0: of none. */
int volume_cut_of(
	struct volume *volume, const struct group_cut *cut, uint32_t members, struct why *why);

/* ---- volume_unsure.c ---- */

/* Notes what a sync that fails would leave unsure. 0 or -ENOMEM. */
int volume_note_written(struct volume *volume, uint32_t extent);

/* The sync failed: says in the journal what is unsure now, as well as it can. */
void volume_tell_unsure(struct volume *volume);

int volume_load_unsure(struct volume *volume, const void *bytes, size_t len, struct why *why);

/* Writes anew what an earlier life left unsure, and makes it durable. */
int volume_make_sure(struct volume *volume, struct why *why);

/* Rewrites the journal, whatever it pays. */
int volume_tidy_now(struct volume *volume, struct why *why);

bool volume_tidy_pays(const struct volume *volume);

/* Into a new journal: all but the slots and the regions. */
int volume_fill_eras(struct volume *volume, struct journal *to, struct why *why);

/* For OWN(). */
void volume_close_own(struct volume **volume);

#endif
