/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index objects put together to one run, with bounded memory: sorted in batches, the batches
 * merged. What comes out depends on nothing but the objects and their order, so that a run which
 * was damaged can be made again, with the same number for each entry.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_GATHER_H
#define EBB_REPO_GATHER_H

#include "repo/index_disk.h"

struct why;

struct gather {
	const struct index_disk *disk;
	struct run_tables tables;
	VEC(struct run_entry) batch;
	VEC(struct run *) parts;
	VEC(struct run *) others; /* borrowed */
	VEC(uint32_t *) maps;     /* of the others' packs */
	uint64_t count;           /* at most so many entries */
};

void gather_done(struct gather *gather);

/* The body of an index object. -EBADMSG leaves all as it was. */
int gather_body(struct gather *gather, const struct head_index *source, const uint8_t *body,
	size_t len, struct why *why);

/*
 * A run, but only what stems from sources that `keeps`. Comes after all bodies. Borrows the run
 * until the end.
 */
typedef bool gather_keeps_fn(void *arg, const struct head_index *source);
int gather_run(struct gather *gather, struct run *run, gather_keeps_fn *keeps, void *arg);

/* Into that file, which is taken. Gives the run. */
int gather_write(struct gather *gather, struct file *file, struct run **ret_run);

#endif
