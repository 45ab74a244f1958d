/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the collection share. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_GC_INNER_H
#define EBB_REPO_GC_INNER_H

#include <errno.h>

#include "repo/gc.h"
#include "repo/inner.h"

/* An object as the place lists it. */
struct gc_found {
	struct object_id id;
	enum object_kind kind;
	uint64_t size;
};

/* A pack of the index, once, however many indexes tell of it. */
struct gc_pack {
	struct object_id id;
	enum object_kind kind;
	uint64_t live; /* bytes that points need, with their rows in the directory */
	uint64_t size; /* of the object, 0: it is gone */
	bool retired, rewrite;
};

struct gc {
	struct repo *repo;
	const struct gc_options *options;
	struct gc_result result;
	uint64_t *marks;    /* a bit for each number of the index: needed */
	uint64_t *followed; /* and all that it leads to was told */
	size_t mark_count;
	ids_t walked;               /* points whose chunks are marked */
	struct head seen;           /* the head for which the marks, and all below, hold */
	VEC(struct gc_found) found; /* sorted by id */
	VEC(struct gc_pack) packs;  /* sorted by id */
	ids_t bad;                  /* packs that could not be copied: they stay */
	bool no_rewrite;            /* it was done, or there is no room for it */
	bool frugal;                /* the place is full: as little as possible in one go */
	bool inbox;                 /* objects wait there that no head can know yet */
};

/* What the next head shall say, and what that comes to. */
struct gc_plan {
	struct head head;
	ids_t doomed; /* packs that this head calls dead; sorted */
	bool changes;
	struct gc_result counts;
};

/* gc_mark.c: reads the newest head and marks what its points need. */
int gc_mark(struct gc *gc, struct why *why);
bool gc_is_marked(const struct gc *gc, uint32_t number);

/* gc_look.c: what is at the place, and how much of each pack is needed. */
int gc_look(struct gc *gc, struct why *why);
const struct gc_found *gc_find(const struct gc *gc, const struct object_id *id);
struct gc_pack *gc_find_pack(const struct gc *gc, const struct object_id *id);
int gc_by_id(const void *a, const void *b);

/* gc_plan.c: decides. Touches nothing at the place. */
int gc_make_plan(struct gc *gc, struct gc_plan *ret_plan);
void gc_plan_done(struct gc_plan *plan);

/* gc_index.c: index objects that tell nothing of the doomed packs, into the plan's head. */
int gc_renew_indexes(struct gc *gc, struct gc_plan *plan, struct why *why);

/*
 * The first index that tells of one of these packs (sorted): when the place is full only its packs
 * die in one go. Keeps those of them in `packs`.
 */
int gc_narrow(struct gc *gc, ids_t *packs, struct why *why);

/* gc_rewrite.c: copies what is needed of packs of which little is. */
int gc_rewrite(struct gc *gc, bool *ret_did, struct why *why);

/* What is not needed in the packs that it would copy now for that reason. */
uint64_t gc_sparse_bytes(const struct gc *gc);

static inline bool gc_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

#endif
