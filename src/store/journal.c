/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing half of a journal: opening, appending, syncing, rewriting.
 *
 * Invariants between calls, unless stopped:
 *   1. the file's bytes before `written` are the head and whole records in their chain
 *   2. `buffer` holds the records from `written` to `end`
 *   3. all up to `synced` is durable; a mark stands at `end` or nothing is proved by its absence
 */
#include "store/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/lock.h"
#include "store/record.h"
#include "store/replace.h"
#include "store/scan.h"

/* Generations and sequence numbers never come near it: adding one always fits. */
#define COUNT_MAX (UINT64_C(1) << 62)

/* Appended records are written when there is so much of them, or at the sync. */
enum { FLUSH_AT = 256 * 1024 };

static const char magic[] = "ebbjourn";

struct journal {
	struct disk *disk; /* borrowed */
	char name[STORE_PATH];
	struct label label;
	uint32_t version; /* of the content, as the file says */
	uint64_t size_max;
	struct file *lock;

	struct file *file;
	uint64_t generation;
	uint64_t seed;
	uint64_t written; /* offset before which all is in the file */
	uint64_t end;     /* offset behind the last record */
	uint64_t sequence;
	uint64_t synced;
	uint64_t chain;
	uint64_t cut;
	VEC(uint8_t) buffer;
	bool filling; /* the new file of a rewrite, not in place yet */
	int error;    /* the failure that stopped it */
	struct why failure;
};

static int tell_failure(const struct journal *journal, struct why *why)
{
	return why_set(why, journal->error, "%s", journal->failure.text);
}

static int stop(struct journal *journal, int err, const char *what, struct why *why)
{
	journal->error = why_errno(&journal->failure, err, "%s: %s", journal->name, what);
	return tell_failure(journal, why);
}

static int check_running(const struct journal *journal, struct why *why)
{
	return planted(JOURNAL_NOT_STOPPED) ? 0 : journal_check(journal, why);
}

/* Writes what is buffered. */
static int flush(struct journal *journal, struct why *why)
{
	const uint8_t *bytes = journal->buffer.at;
	size_t len = journal->buffer.len;
	int err;
	if (len == 0)
		return 0;
	if (planted(JOURNAL_SHORT_WRITE_IGNORED))
		err = file_write_at(journal->file, bytes, len, journal->written) < 0 ? -EIO : 0;
	else
		err = file_write_full(journal->file, bytes, len, journal->written);
	if (err)
		return stop(journal, err, "cannot be written", why);
	journal->written = journal->end;
	journal->buffer.len = 0;
	return 0;
}

/*
 * Says in the file that all so far is durable. Not synced, and no promise hangs on it: an error
 * here stops the journal and is no error of what came before.
 */
static void put_mark(struct journal *journal)
{
	uint8_t bytes[RECORD_HEAD];
	struct record mark = {
		.chain = journal->chain,
		.sequence = journal->sequence,
		.synced = journal->sequence,
		.kind = RECORD_MARK,
	};
	record_put(&mark, NULL, journal->seed, journal->end, bytes);
	int err = file_write_full(journal->file, bytes, sizeof(bytes), journal->end);
	if (err)
		(void)stop(journal, err, "stopped: its mark cannot be written", NULL);
}

/* Begins NAME.new. */
static int start_file(struct journal *journal, uint64_t generation, uint64_t base, struct why *why)
{
	uint8_t bytes[HEAD_SIZE];
	struct head head = {
		.magic = magic, .label = journal->label, .first = generation, .second = base};
	file_head_put(&head, bytes);
	int err = replace_begin(journal->disk, journal->name, &journal->file, why);
	if (err)
		return err;
	journal->version = journal->label.version;
	journal->generation = generation;
	journal->seed = record_seed(journal->label.identity, generation);
	journal->written = journal->end = HEAD_SIZE;
	journal->sequence = journal->synced = base;
	journal->chain = head.checksum;
	err = file_write_full(journal->file, bytes, sizeof(bytes), 0);
	return err ? why_errno(why, err, "%s.new: cannot be written", journal->name) : 0;
}

/* Puts the file begun by start_file() in its place. */
static int place_file(struct journal *journal, struct why *why)
{
	int err = replace_commit(journal->disk, journal->name, journal->file, why);
	if (err)
		return err;
	journal->synced = journal->sequence;
	put_mark(journal);
	return 0;
}

static int create(struct journal *journal, struct why *why)
{
	int err = start_file(journal, 1, 0, why);
	return err ? err : place_file(journal, why);
}

static int read_head(struct journal *journal, uint64_t *ret_size, struct why *why)
{
	uint8_t bytes[HEAD_SIZE];
	uint64_t size = 0;
	const struct head want = {.magic = magic, .label = journal->label};
	struct head head;
	int err = file_size(journal->file, &size);
	size_t len = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE;
	if (!err)
		err = file_read_full(journal->file, bytes, len, 0);
	if (err)
		return why_errno(why, err, "%s: cannot be read", journal->name);
	err = file_head_get(&want, journal->name, bytes, len, &head, why);
	if (err)
		return err;
	if (size > JOURNAL_FILE_MAX)
		return why_set(why, -EFBIG,
			"%s: %" PRIu64 " bytes are more than the %" PRIu64
			" that a journal may have",
			journal->name, size, JOURNAL_FILE_MAX);
	if (head.first == 0 || head.first > COUNT_MAX || head.second > COUNT_MAX)
		return why_set(why, -EBADMSG,
			"%s: generation %" PRIu64 ", base %" PRIu64
			" at offset 40: no journal comes that far",
			journal->name, head.first, head.second);
	journal->version = head.label.version;
	journal->generation = head.first;
	journal->sequence = head.second;
	journal->chain = head.checksum;
	journal->seed = record_seed(journal->label.identity, head.first);
	*ret_size = size;
	return 0;
}

/*
 * After an unclean end: makes what was read durable, and the absence of what stood behind it. The
 * name too, since the end may have come with a rename whose sync failed; a mark, which is written
 * after that sync, says that it did not.
 */
static int settle(struct journal *journal, const struct scan *scan, struct why *why)
{
	uint64_t keep = planted(JOURNAL_TAIL_NOT_CUT) ? scan->size : scan->at;
	int err = 0;
	if (!planted(JOURNAL_END_NOT_RENEWED))
		err = replace_anew(journal->disk, journal->name, &journal->file, keep, why);
	if (err)
		return err;
	journal->cut = scan->size - scan->at;
	put_mark(journal);
	return 0;
}

static int read_all(struct journal *journal, journal_each_fn *each, void *arg,
	struct scan *ret_scan, struct why *why)
{
	struct scan scan = {.file = journal->file, .name = journal->name};
	int err = read_head(journal, &scan.size, why);
	if (err)
		return err;
	scan.at = HEAD_SIZE;
	scan.seed = journal->seed;
	scan.sequence = journal->sequence;
	scan.chain = journal->chain;
	err = scan_records(&scan, each, arg, why);
	if (!err)
		*ret_scan = scan;
	return err;
}

static int recover(struct journal *journal, journal_each_fn *each, void *arg, struct why *why)
{
	struct scan scan;
	int err = read_all(journal, each, arg, &scan, why);
	if (err)
		return err;
	journal->written = journal->end = scan.at;
	journal->sequence = journal->synced = scan.sequence;
	journal->chain = scan.chain;
	return scan.marked ? 0 : settle(journal, &scan, why);
}

static void journal_close_own(struct journal **journal)
{
	journal_close(*journal);
}

int journal_open(const struct journal_options *options, journal_each_fn *each, void *arg,
	struct journal **ret_journal, struct why *why)
{
	OWN(journal_close_own) struct journal *journal = calloc(1, sizeof(*journal));
	if (!journal)
		return why_errno(why, -ENOMEM, "%s", options->name);
	journal->disk = options->disk;
	journal->label = options->label;
	journal->size_max = options->size_max ? options->size_max : JOURNAL_FILE_MAX;
	must(journal->size_max <= JOURNAL_FILE_MAX);
	int err = store_path(options->name, "", journal->name, why);
	if (!err)
		err = store_lock(journal->disk, journal->name, &journal->lock, why);
	if (err)
		return err;
	err = disk_open(journal->disk, journal->name, FILE_READ | FILE_WRITE, &journal->file);
	if (err == -ENOENT && options->create)
		err = create(journal, why);
	else if (err)
		why_errno(why, err, "%s: cannot be opened", journal->name);
	else
		err = recover(journal, each, arg, why);
	if (err)
		return err;
	*ret_journal = TAKE(journal);
	return 0;
}

int journal_look(
	const struct journal_options *options, journal_each_fn *each, void *arg, struct why *why)
{
	OWN(journal_close_own) struct journal *journal = calloc(1, sizeof(*journal));
	struct scan scan;
	if (!journal)
		return why_errno(why, -ENOMEM, "%s", options->name);
	journal->label = options->label;
	int err = store_path(options->name, "", journal->name, why);
	if (err)
		return err;
	err = disk_open(options->disk, journal->name, FILE_READ, &journal->file);
	if (err)
		return why_errno(why, err, "%s: cannot be opened", journal->name);
	return read_all(journal, each, arg, &scan, why);
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	file_close(journal->file);
	file_close(journal->lock);
	vec_done(&journal->buffer);
	free(journal);
}

int journal_append(
	struct journal *journal, uint16_t kind, const void *bytes, size_t len, struct why *why)
{
	must(kind != RECORD_MARK);
	int err = check_running(journal, why);
	if (err)
		return err;
	if (len > JOURNAL_RECORD_MAX)
		return why_set(why, -EMSGSIZE, "%s: a record of %zu bytes, the most is %d",
			journal->name, len, JOURNAL_RECORD_MAX);
	size_t size = record_size(len);
	if (journal->end + size + RECORD_HEAD > journal->size_max)
		return why_set(why, -ENOSPC, "%s: full: %" PRIu64 " of %" PRIu64 " bytes",
			journal->name, journal->end, journal->size_max);
	err = vec_reserve(&journal->buffer, journal->buffer.len + size);
	if (err)
		return why_errno(why, err, "%s: a record of %zu bytes", journal->name, len);
	struct record record = {
		.chain = journal->chain,
		.sequence = journal->sequence + 1,
		.synced = journal->synced,
		.len = (uint32_t)len,
		.kind = kind,
	};
	record_put(&record, bytes, journal->seed, journal->end,
		journal->buffer.at + journal->buffer.len);
	journal->buffer.len += size;
	journal->end += size;
	journal->sequence = record.sequence;
	journal->chain = record.checksum;
	return journal->buffer.len < FLUSH_AT ? 0 : flush(journal, why);
}

static int sync_file(struct journal *journal)
{
	if (planted(JOURNAL_SYNC_LEFT_OUT))
		return 0;
	int err = file_sync(journal->file);
	if (err && planted(JOURNAL_SYNC_RETRIED))
		err = file_sync(journal->file);
	return planted(JOURNAL_SYNC_ERROR_IGNORED) ? 0 : err;
}

int journal_sync(struct journal *journal, struct why *why)
{
	must(!journal->filling);
	int err = check_running(journal, why);
	if (err || journal->synced == journal->sequence)
		return err;
	if (planted(JOURNAL_ACK_BEFORE_SYNC) && journal->sequence - journal->synced < 2)
		return 0;
	err = flush(journal, why);
	if (err)
		return err;
	if (planted(JOURNAL_MARK_BEFORE_SYNC))
		put_mark(journal);
	err = sync_file(journal);
	if (err)
		return stop(journal, err, "sync failed", why);
	journal->synced = journal->sequence;
	put_mark(journal);
	return 0;
}

static int fill_new(struct journal *next, journal_fill_fn *fill, void *arg, struct why *why)
{
	int err = fill(arg, next, why);
	if (!err)
		err = check_running(next, why);
	return err ? err : flush(next, why);
}

int journal_rewrite(struct journal *journal, journal_fill_fn *fill, void *arg, struct why *why)
{
	must(!journal->filling);
	int err = check_running(journal, why);
	if (err)
		return err;
	OWN(journal_close_own) struct journal *next = calloc(1, sizeof(*next));
	if (!next)
		return why_errno(why, -ENOMEM, "%s", journal->name);
	next->disk = journal->disk;
	memcpy(next->name, journal->name, sizeof(next->name));
	next->label = journal->label;
	next->size_max = journal->size_max;
	next->filling = true;
	err = start_file(next, journal->generation + 1, journal->sequence, why);
	if (!err)
		err = fill_new(next, fill, arg, why);
	if (err) {
		replace_abandon(journal->disk, journal->name);
		return err;
	}
	err = place_file(next, &journal->failure);
	if (err) {
		journal->error = err;
		return tell_failure(journal, why);
	}
	/* The lock stays: it is for the name, whichever file bears it. */
	file_close(journal->file);
	vec_done(&journal->buffer);
	next->lock = TAKE(journal->lock);
	next->filling = false;
	*journal = *next;
	*next = (struct journal){0};
	return 0;
}

struct journal_facts journal_facts(const struct journal *journal)
{
	return (struct journal_facts){
		.size = journal->end,
		.sequence = journal->sequence,
		.synced = journal->synced,
		.generation = journal->generation,
		.version = journal->version,
		.cut = journal->cut,
	};
}

int journal_check(const struct journal *journal, struct why *why)
{
	return journal->error ? tell_failure(journal, why) : 0;
}
