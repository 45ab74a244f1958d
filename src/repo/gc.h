/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting what no point needs any more: marked from the points, tombstoned by a head, called
 * dead by a later one, and only then removed. Packs of which little is needed are copied together
 * first. Backups may go on meanwhile. FORMATS-REPOSITORY.md, "Head", has the protocol.
 *
 * A run that was killed at any moment has harmed nothing; the next one goes on. Memory: the index
 * and two bits for each chunk of it.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_GC_H
#define EBB_REPO_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"
#include "chunk/object.h"

struct point;
struct repo;
struct why;

/*
 * Told of every chunk that a point needs, each before what it names. `leads_on`: when the answer is
 * 1 what the chunk names is told too, when it is 0 somebody was told of all that before. Without it
 * the chunk alone is needed. A negative answer stops the walk.
 */
typedef int gc_chunk_fn(
	void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on);

/* Tells `fn` of all that the point needs. -EBADMSG: it cannot be followed to its end. */
typedef int gc_walk_fn(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why);

enum { GC_REWRITE_BELOW = 50 };

struct gc_options {
	gc_walk_fn *walk;
	int64_t soak_ns;        /* so long a tombstone stands before its object may die */
	unsigned rewrite_below; /* packs of which fewer percent are needed are copied; 0: none */
	unsigned small_packs;   /* so many small ones are copied together; 0: eight */
	uint64_t reserve;       /* bytes kept aside at the place for the next run on a full one */
	bool dry_run;           /* only tell what would be done */
	const struct object_id *without; /* a dry run does as if these points were removed */
	size_t without_count;
	void (*on_step)(void *arg, const char *what); /* for people; may be NULL */
	void *arg;
};

struct gc_result {
	uint64_t points, chunks;    /* followed; needed by them */
	uint64_t missing;           /* chunks of content that are needed and in no pack */
	uint64_t packs, pack_bytes; /* at the place, at the start */
	uint64_t tombstoned, tombstoned_bytes; /* objects that nothing needs, as of this run */
	uint64_t orphans;                      /* of them, those that no head ever named */
	uint64_t waiting, waiting_bytes;       /* objects that soak */
	uint64_t lifted;                       /* tombstones taken away: needed after all */
	uint64_t rewritten, rewritten_bytes;   /* packs copied together; what of them was needed */
	uint64_t removed, removed_bytes;       /* objects gone for good */
	uint64_t locked;                       /* objects that the place does not let go yet */
	uint64_t dying_bytes;                  /* of a dry run: what would be removed at once */
	uint64_t sparse_bytes;                 /* in packs that copying would give back, about */
	bool reserve_used;                     /* the place was full */
};

/*
 * Runs it. -EBADMSG: a point cannot be followed, so nothing was removed; -EAGAIN: other writers
 * were faster all the time.
 */
int repo_gc(struct repo *repo, const struct gc_options *options, struct gc_result *ret_result,
	struct why *why);

#endif
