/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks in a row, fetched and opened by the crew before they are asked for.
 *
 * Calls block. One thread for each struct, and the repository's own; nothing else gives the crew
 * tasks between ahead_want() and the ahead_take() that belongs to it.
 */
#ifndef EBB_REPO_AHEAD_H
#define EBB_REPO_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"

struct ahead;
struct repo;
struct why;

/* Gives a row of content chunks of `repo`, which is borrowed. 0 or -ENOMEM. */
int ahead_new(struct repo *repo, struct ahead **ret_ahead);

/* Takes it, with whatever was not taken; NULL is allowed. */
void ahead_free(struct ahead *ahead);

/* Whether the row takes no more before something was taken from it. */
bool ahead_full(const struct ahead *ahead);

/* Adds a chunk to the row. Failures show when it is taken. */
void ahead_want(struct ahead *ahead, const struct digest *digest);

/* Adds one that is not to be read: it is taken with its name alone. */
void ahead_pass(struct ahead *ahead, const struct digest *digest);

struct ahead_chunk {
	struct digest digest;
	const uint8_t *bytes; /* NULL: it was passed */
	size_t len;
};

/*
 * The oldest of the row, which is not empty. Its bytes are borrowed until something is added to
 * the row; errors and mending as of repo_chunk(), and the row goes on behind it.
 */
int ahead_take(struct ahead *ahead, struct ahead_chunk *ret_chunk, struct why *why);

#endif
