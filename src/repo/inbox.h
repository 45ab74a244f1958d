/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inbox: where a key that may only write leaves word of a point that it brought. It exists when
 * a holder of the full keys has read all of it, proved it and named it in a head.
 * FORMATS-REPOSITORY.md, "Writers that cannot read".
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_INBOX_H
#define EBB_REPO_INBOX_H

#include <stdint.h>

#include "repo/gc.h"

struct repo;
struct why;

struct inbox_options {
	gc_walk_fn *walk;
	/* Once for each that is taken in or refused; `why` is NULL for the former. */
	void (*on_inbox)(void *arg, const char *name, const struct why *why);
	void *arg;
};

struct inbox_result {
	uint64_t adopted, refused;
	uint64_t packs, chunks; /* that were read and proved */
};

/*
 * Takes in what writers brought: signed by a key that the head knows, every chunk proved, every
 * chunk that the point needs there. What is refused stays where it is. 0 when it ran to its end.
 */
int repo_inbox_adopt(struct repo *repo, const struct inbox_options *options,
	struct inbox_result *ret_result, struct why *why);

#endif
