/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the parts of a repository fit together, without reading any content: the chain of heads,
 * that everything a head names is there, and that indexes say what the packs say.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_STRUCTURE_H
#define EBB_REPO_STRUCTURE_H

#include <stdint.h>

struct repo;
struct why;

struct structure_result {
	uint64_t heads, indexes, packs, points; /* that were looked at */
	uint64_t troubles;
	uint64_t orphans, orphan_bytes; /* objects that nothing names: a collection removes them */
};

/* Tells each thing that does not fit. 0 when it ran to its end. */
int repo_check_structure(struct repo *repo, void (*on_trouble)(void *arg, const char *what),
	void *arg, struct structure_result *ret_result, struct why *why);

#endif
