/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several sorted rows of entries as one: by digest, and of one digest by number of the pack.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_MERGE_H
#define EBB_REPO_MERGE_H

#include "repo/run.h"

struct merge_input {
	struct run_cursor cursor;      /* of a run, or: */
	const struct run_entry *array; /* borrowed */
	size_t at, count;
	const uint32_t *map; /* of packs, RUN_GONE leaves out; NULL: they are numbered already */
	uint32_t first;      /* added to numbers */
	struct run_entry now;
	bool ended;
};

struct merge {
	VEC(struct merge_input) inputs;
	/* Makes a run whole that was found damaged, in place. 0: go on. NULL: it stays an error. */
	int (*heal)(void *arg, struct run *run);
	void *arg;
};

void merge_done(struct merge *merge);

/* Borrowed, until the end. */
int merge_add_run(struct merge *merge, struct run *run, const uint32_t *map);
int merge_add_array(struct merge *merge, const struct run_entry *entries, size_t count);

/* After all were added. */
int merge_begin(struct merge *merge);

/* 1, 0 at the end, or an error. */
int merge_next(struct merge *merge, struct run_entry *ret_entry);

/* For sorting an array likewise. */
int merge_order(const void *a, const void *b);

#endif
