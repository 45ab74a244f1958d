/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: its struct, its tracks, its segments, its log.
 *
 * As series.h.
 */
#ifndef EBB_SERIES_INNER_H
#define EBB_SERIES_INNER_H

#include "base/map.h"
#include "base/vec.h"
#include "base/why.h"
#include "series/segment.h"
#include "series/series.h"
#include "store/journal.h"

#define DAY_MS (INT64_C(86400) * 1000)

/* A partition counts as complete so long after its end. */
#define GRACE_MS (INT64_C(3600) * 1000)

/* A name whose series was silent for so long is forgotten. */
#define SILENT_MS (100 * DAY_MS)

/* One series in memory. */
struct track {
	char *name;
	uint32_t id;
	enum series_kind kind;
	int64_t last_ms; /* of the newest sample; INT64_MIN: none yet */
	double last_value;
	struct samples fresh; /* in no segment yet; in order of time */
};

/* A segment of the manifest; its file is open while it is used. */
struct held {
	struct segment segment;
	uint64_t used; /* for closing the one that was not used for longest */
	bool busy;     /* being merged */
	bool damaged;
	int64_t failed_ms, retry_ms; /* it could not be read: since when, and until when to wait */
};

struct merge;

struct series {
	struct world *world; /* borrowed */
	char folder[SEGMENT_NAME / 2];
	char log_name[SEGMENT_NAME];
	struct segment_home home;
	uint64_t memory_max;
	uint32_t series_max;
	int64_t keep_ms[LEVELS];
	bool look;

	struct journal *log;
	int error; /* the failure that stopped it */
	struct why failure;
	int64_t now_ms;
	int64_t flushed_ms; /* when the last flush was */

	VEC(struct track *) tracks; /* by id; NULL: forgotten */
	struct map by_name;
	VEC(struct held *) segments; /* by rank, then number */
	uint64_t next_segment;
	size_t open_files;
	uint64_t uses;
	struct merge *merge; /* the one under way */

	VEC(uint8_t) pending; /* samples for the log's next record */
	uint32_t pending_id;
	int64_t pending_ms;
	uint8_t *block; /* BLOCK_MAX bytes for whoever works on one */
	struct samples spare;
	struct series_facts facts;
};

int64_t floor_to(int64_t ms, int64_t step);

/* ---- store.c ---- */

int series_stop(struct series *series, int err, const struct why *failure, struct why *why);
struct track *track_of(const struct series *series, uint32_t id);

/* Puts a kept sample in its place. 0, or -ENOMEM. */
int track_add(struct series *series, struct track *track, const struct sample *sample);
int track_new(struct series *series, uint32_t id, enum series_kind kind, const char *name,
	struct track **ret_track);

bool track_silent(const struct series *series, const struct track *track);
void track_forget(struct series *series, struct track *track);

/* ---- log.c ---- */

/* The log's records, and their order of effects: docs/FORMATS.md, "Series". */
int log_open(struct series *series, bool create, struct why *why);
int log_track(struct journal *log, const struct track *track, struct why *why);

/* Adds a kept sample to the pending record. */
int log_sample(struct series *series, uint32_t id, const struct sample *sample);

/* Appends the pending record; not durable yet. */
int log_pending(struct series *series, struct why *why);

/* A change of the manifest, in one record, durably. */
struct log_change {
	const struct segment_facts *added;
	size_t added_count;
	struct held *const *removed;
	size_t removed_count;
};

int log_change(struct series *series, const struct log_change *change, struct why *why);

/*
 * Writes the log anew: names but for the silent ones, the manifest with `added`, and no samples. An
 * error of which journal_check() knows nothing has left it as it was.
 */
int log_rewrite(
	struct series *series, const struct segment_facts *added, size_t count, struct why *why);

/* ---- held.c ---- */

int held_add(struct series *series, const struct segment_facts *facts);

/* The same in two steps, of which the second cannot fail. */
int held_reserve(struct series *series, struct held **spare, size_t count);
void held_put(struct series *series, struct held *held, const struct segment_facts *facts);
void held_drop(struct series *series, struct held *held);

/* Opens its file; it stays open until others are used. */
int held_use(struct series *series, struct held *held, struct why *why);
void held_done(struct series *series);

/* Removes the file; what cannot be removed is removed at the next start. */
void held_unlink(struct series *series, uint64_t number);

/* Removes every file of the folder that the manifest does not name. */
int held_sweep(struct series *series, struct why *why);

/* ---- flush.c ---- */

/* Writes all fresh samples to segments and empties the log. */
int flush_all(struct series *series, struct why *why);

/* ---- blocks.c ---- */

/* Add rows of one series, in order, as blocks. */
int put_samples(struct series *series, struct segment_writer *writer, uint32_t id,
	const struct sample *rows, size_t count, struct why *why);
int put_buckets(struct series *series, struct segment_writer *writer, uint32_t id,
	enum series_level level, const struct buckets *buckets, struct why *why);

/*
 * Add what the segment at the cursor has of `id` within [from, to). Where something is there
 * already, samples stay and buckets are replaced: segments are read in the order of their ranks.
 * Cursor: at the series or before it.
 */
struct wanted {
	uint32_t id;
	int64_t from, to;
};

int get_samples(struct series *series, struct segment_cursor *cursor, const struct wanted *wanted,
	struct samples *ret, struct why *why);
int get_buckets(struct series *series, struct segment_cursor *cursor, const struct wanted *wanted,
	struct buckets *ret, struct why *why);

/* Join what was added from `from` on with what is before: of samples, the earlier wins. */
int join_samples(struct series *series, struct samples *all, size_t from);
int join_buckets(struct buckets *all, size_t from, bool new_wins);

/* ---- read.c ---- */

int roll_samples(const struct samples *samples, struct roller *roller);

/* ---- merge.c ---- */

/* Goes on with the merge under way, or begins the next; *budget goes down by the work. */
int merge_step(struct series *series, int64_t *budget, bool *ret_more, struct why *why);
void merge_drop(struct series *series);

#endif
