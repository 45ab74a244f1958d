/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that a repository holds what it says: every object is read back (repo/check.h), and every
 * point is followed to its last chunk.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_VERIFY_H
#define EBB_SHIP_VERIFY_H

#include <stdint.h>

#include "repo/check.h"

struct repo;
struct why;

struct verify_result {
	struct check_result check;
	uint64_t points;  /* followed */
	uint64_t broken;  /* of them, those that miss something */
	uint64_t missing; /* chunks that a point needs and no pack holds */
};

/* 0 when it ran to its end; the result tells what it found. */
int verify_repo(struct repo *repo, const struct check_options *options,
	struct verify_result *ret_result, struct why *why);

#endif
