/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An append-only log of records that survive crashes (docs/FORMATS.md, "Journals"): what changes
 * step by step is appended, made durable in groups by journal_sync(), and read back in order at the
 * next start. One thread at a time for each journal; calls block.
 *
 * What is promised:
 *   - after journal_sync() answered 0, all records appended so far are there for ever, in order
 *   - what reading gives is always a prefix of what was appended, never a wrong record; at the
 * least all that was promised, or -EBADMSG
 *   - what reading gave once is promised from then on
 *
 * After the first failed write or sync the journal stops: every later call answers that error, with
 * its sentence, and journal_check() tells it apart. Closing it and opening it anew recovers what
 * was promised, and perhaps more.
 */
#ifndef EBB_STORE_JOURNAL_H
#define EBB_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/head.h"

struct disk;
struct journal;
struct why;

#define JOURNAL_FILE_MAX (UINT64_C(1) << 30)

enum { JOURNAL_RECORD_MAX = 1 << 20 };

struct journal_options {
	struct disk *disk;
	const char *name;   /* NAME.new and NAME.lock beside it are the journal's too */
	struct label label; /* the identity is compared, and never all zero */
	bool create;        /* the first start: without it, a missing file is -ENOENT */
	uint64_t size_max;  /* appending beyond answers -ENOSPC; 0: JOURNAL_FILE_MAX */
};

struct journal_record {
	uint64_t sequence; /* from 1, never repeated in the journal's life */
	uint16_t kind;
	const void *bytes; /* borrowed for the call; no alignment */
	size_t len;
};

/* Takes note of one record; an error stops the opening and is its answer. */
typedef int journal_each_fn(void *arg, const struct journal_record *record, struct why *why);

/*
 * Recovers: calls `each` for every record in order (what it was told counts only when 0 is
 * returned), and gives the journal. After an unclean end it is copied as a whole, which takes as
 * much room again; after an end behind a sync nothing is written. -EWOULDBLOCK: another has it
 * open; -EBADMSG: damaged, or another's; -ENOTSUP: from a newer program; nothing was changed in
 * these cases.
 */
int journal_open(const struct journal_options *options, journal_each_fn *each, void *arg,
	struct journal **ret_journal, struct why *why);

/*
 * Calls `each` for every record that is there, and changes nothing, whoever has it open: for a look
 * from outside. None of it is promised. Errors as of journal_open(); -EBADMSG, too, when the owner
 * was writing just then: try again.
 */
int journal_look(
	const struct journal_options *options, journal_each_fn *each, void *arg, struct why *why);

/* Takes the journal; NULL is allowed. What was not synced may be lost. */
void journal_close(struct journal *journal);

/*
 * Adds a record, not durable yet. `kind` is not 0. -EMSGSIZE: longer than JOURNAL_RECORD_MAX,
 * -ENOSPC: the journal is full, -ENOMEM: these leave it as it was.
 */
int journal_append(
	struct journal *journal, uint16_t kind, const void *bytes, size_t len, struct why *why);

/* Makes all that was appended durable. */
int journal_sync(struct journal *journal, struct why *why);

/* Appends to `to` what the journal shall hold from now on; an error leaves the journal as it was.
 */
typedef int journal_fill_fn(void *arg, struct journal *to, struct why *why);

/*
 * Compaction: replaces all records by those that `fill` appends, in one step, durably. Sequence
 * numbers go on. An error while filling leaves the journal as it was; a later one stops it.
 */
int journal_rewrite(struct journal *journal, journal_fill_fn *fill, void *arg, struct why *why);

struct journal_facts {
	uint64_t size;       /* bytes of the file, what is not written yet included */
	uint64_t sequence;   /* of the last record; 0: there was none yet */
	uint64_t synced;     /* the highest sequence that is durable */
	uint64_t generation; /* counts the rewrites, from 1 */
	uint32_t version;    /* of the content as found; a rewrite makes it the label's */
	uint64_t cut;        /* bytes of an unfinished end that opening cut off */
};

struct journal_facts journal_facts(const struct journal *journal);

/*
 * 0: it runs; else the first error and its sentence. A journal may stop behind what it has just
 * made durable: that call answered 0 all the same.
 */
int journal_check(const struct journal *journal, struct why *why);

#endif
