/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading objects back: each whole, with its parity, and each chunk of each pack through seal,
 * compression and digest. All of a repository, or some of it in an order that the caller chooses.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_CHECK_H
#define EBB_REPO_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/digest.h"
#include "chunk/object.h"

struct place;
struct repo;
struct why;

/* One object: the newest head makes it needed, or it is at the place all the same. */
struct check_object {
	enum object_kind kind;
	struct object_id id;
	uint64_t size; /* at the place, 0: not known */
	/* No point misses it: retired, an orphan, an inbox, a slot that is not in force. May be
	 * gone. */
	bool idle;
};

struct check_list {
	VEC(struct check_object) objects;
};

/* Every object that is needed or there. Gives the list. */
int repo_check_list(struct repo *repo, struct check_list *ret_list, struct why *why);
void check_list_done(struct check_list *list);

enum check_state {
	CHECK_WHOLE,
	CHECK_MENDABLE, /* parity makes it whole */
	CHECK_MENDED,   /* and it was written back so */
	CHECK_COPIED,   /* beyond parity; written back from the other place */
	CHECK_DAMAGED,  /* beyond parity, or gone */
	CHECK_IDLE,     /* beyond parity, and nothing needs it */
};

struct check_options {
	bool repair; /* write objects back that can be made whole */
	/* Where the objects lie: another copy of the repository. NULL: its own place. Borrowed. */
	struct place *at;
	/* Another copy of this very repository, object for object; NULL: none. Borrowed. */
	struct place *copy;
	/* A twin: it gives back the words of points. NULL: none. Borrowed. */
	struct repo *twin;
	/* Once for each object or chunk that is not as it should be. */
	void (*on_trouble)(void *arg, const char *what);
	/* After each object; false ends the check there. NULL: not told. */
	bool (*on_object)(void *arg, const struct check_object *object, enum check_state state);
	/* Each chunk that its pack, still damaged, does not give. NULL: not told. */
	void (*on_lost)(void *arg, const struct digest *digest, enum chunk_kind kind);
	void *arg;
};

struct check_result {
	uint64_t objects, bytes, chunks;
	uint64_t mendable; /* objects that were damaged and that parity makes whole */
	uint64_t mended;   /* of them, written back */
	uint64_t copied;   /* objects beyond parity that the other place or the twin had whole */
	uint64_t damaged;  /* objects beyond parity or gone, and not copied */
	uint64_t lost;     /* chunks that these do not give any more */
	uint64_t idle;     /* objects beyond parity that nothing needs */
};

/* 0 when it ran to its end, whatever it found. Adds to the result. */
int repo_check_some(struct repo *repo, const struct check_object *objects, size_t count,
	const struct check_options *options, struct check_result *result);

/*
 * Writes back to `place` what it needs to be opened again (parameters, key slots, heads, indexes)
 * and has no more, out of `copy`, which is the same repository, object for object. -ENOENT: it is
 * another one.
 */
int repo_check_roots(struct repo *copy, struct place *place, const struct check_options *options,
	struct check_result *result, struct why *why);

#endif
