/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading everything back: each object of a repository whole, with its parity, and each chunk of
 * each pack through seal, compression and digest.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_CHECK_H
#define EBB_REPO_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct repo;
struct why;

struct check_options {
	bool repair; /* write objects back that parity made whole */
	/* Once for each object or chunk that is not as it should be. */
	void (*on_trouble)(void *arg, const char *what);
	void *arg;
};

struct check_result {
	uint64_t objects, bytes, chunks;
	uint64_t mendable; /* objects that were damaged and that parity makes whole */
	uint64_t mended;   /* of them, written back */
	uint64_t damaged;  /* objects and chunks beyond parity, and objects that are gone */
};

/* 0 when it ran to its end, whatever it found. Adds to the result. */
int repo_check(struct repo *repo, const struct check_options *options,
	struct check_result *ret_result, struct why *why);

#endif
