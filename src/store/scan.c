/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading half of recovery. Why an invalid record means damage or an unfinished end stands in
 * docs/FORMATS.md, "Unfinished or damaged".
 */
#include "store/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/record.h"

/* Most files fit in one piece; a long record makes the window grow to its size. */
enum { WINDOW_PIECE = 64 * 1024 };

/* The part of the file that is in memory. */
struct window {
	struct file *file;
	uint64_t size; /* of the file */
	uint64_t at;
	size_t len, cap;
	uint8_t *bytes;
};

static void window_done(struct window *window)
{
	free(window->bytes);
}

/* Lends `len` bytes from offset `at`, which lie within the file; until the next call. */
static int window_get(struct window *window, uint64_t at, size_t len, const uint8_t **ret_bytes)
{
	if (at < window->at || at - window->at + len > window->len) {
		size_t want = len > WINDOW_PIECE ? len : WINDOW_PIECE;
		if (want > window->size - at)
			want = (size_t)(window->size - at);
		if (want > window->cap) {
			uint8_t *grown = realloc(window->bytes, want);
			if (!grown)
				return -ENOMEM;
			window->bytes = grown;
			window->cap = want;
		}
		window->len = 0;
		int err = file_read_full(window->file, window->bytes, want, at);
		if (err)
			return err;
		window->at = at;
		window->len = want;
	}
	*ret_bytes = window->bytes + (at - window->at);
	return 0;
}

/* 1: a whole record stands at `at`; 0: none does. */
static int record_at(const struct scan *scan, struct window *window, uint64_t at,
	struct record *ret_record, const uint8_t **ret_bytes)
{
	const uint8_t *bytes;
	struct record record;
	if (scan->size - at < RECORD_HEAD)
		return 0;
	int err = window_get(window, at, RECORD_HEAD, &bytes);
	if (err)
		return err;
	if (!record_head(bytes, &record) || record_size(record.len) > scan->size - at)
		return 0;
	err = window_get(window, at, record_size(record.len), &bytes);
	if (err)
		return err;
	if (!record_whole(&record, bytes, scan->seed, at))
		return 0;
	*ret_record = record;
	*ret_bytes = bytes + RECORD_HEAD;
	return 1;
}

static int damaged(const struct scan *scan, const char *what, struct why *why)
{
	return why_set(why, -EBADMSG,
		"%s: damaged: record %" PRIu64 " at offset %" PRIu64
		" %s: restore the file from a copy",
		scan->name, scan->sequence + 1, scan->at, what);
}

/*
 * Behind the place where reading stopped: is there proof that the record which is missing there had
 * been durable? What only looks like a record is ruled out before it is hashed; bytes made to look
 * like many long ones must not cost hours, so that hashing has a budget, and spending it is proof
 * enough that something is wrong.
 */
static int judge_rest(const struct scan *scan, struct window *window, struct why *why)
{
	uint64_t budget = 8 * (scan->size - scan->at) + JOURNAL_RECORD_MAX;
	for (uint64_t at = scan->at + RECORD_ALIGN; at + RECORD_HEAD <= scan->size;
		at += RECORD_ALIGN) {
		const uint8_t *bytes;
		struct record record;
		int got = window_get(window, at, RECORD_HEAD, &bytes);
		if (got < 0)
			return why_errno(why, got, "%s: cannot be read", scan->name);
		if (!record_head(bytes, &record) || record.synced <= scan->sequence)
			continue;
		if (record_size(record.len) > budget)
			return damaged(
				scan, "is missing, and what follows is not a journal's", why);
		budget -= record_size(record.len);
		got = record_at(scan, window, at, &record, &bytes);
		if (got < 0)
			return why_errno(why, got, "%s: cannot be read", scan->name);
		if (got && !planted(JOURNAL_DAMAGE_CUT_OFF))
			return damaged(scan, "had been durable and is not whole any more", why);
	}
	return 0;
}

static bool follows(const struct scan *scan, const struct record *record)
{
	bool mark = record->kind == RECORD_MARK;
	return (record->chain == scan->chain || planted(JOURNAL_CHAIN_IGNORED)) &&
		record->sequence == scan->sequence + !mark;
}

static int give_record(struct scan *scan, const struct record *record, const uint8_t *payload,
	journal_each_fn *each, void *arg, struct why *why)
{
	const struct journal_record given = {
		.sequence = record->sequence,
		.kind = record->kind,
		.bytes = payload,
		.len = record->len,
	};
	scan->at += record_size(record->len);
	scan->sequence = record->sequence;
	scan->chain = record->checksum;
	return each(arg, &given, why);
}

int scan_records(struct scan *scan, journal_each_fn *each, void *arg, struct why *why)
{
	OWN(window_done) struct window window = {.file = scan->file, .size = scan->size};
	for (;;) {
		struct record record;
		const uint8_t *payload;
		int got = record_at(scan, &window, scan->at, &record, &payload);
		if (got < 0)
			return why_errno(why, got, "%s: cannot be read", scan->name);
		if (got == 0)
			return judge_rest(scan, &window, why);
		if (!follows(scan, &record))
			return damaged(scan, "does not follow the one before it", why);
		if (record.kind == RECORD_MARK) {
			scan->marked = scan->at + RECORD_HEAD == scan->size;
			return scan->marked ? 0 : judge_rest(scan, &window, why);
		}
		int err = give_record(scan, &record, payload, each, arg, why);
		if (err)
			return err;
	}
}
