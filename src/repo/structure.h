/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the parts of a repository fit together, without reading any content: the chain of heads,
 * that everything a head names is there and as long as it should be, and that indexes say what the
 * packs say.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_STRUCTURE_H
#define EBB_REPO_STRUCTURE_H

#include <stdbool.h>
#include <stdint.h>

struct repo;
struct why;

struct structure_result {
	uint64_t heads, indexes, packs, points; /* that were looked at */
	uint64_t unopened; /* of the packs, those of which only the length was looked at */
	uint64_t troubles;
	uint64_t orphans, orphan_bytes; /* objects that nothing names: a collection removes them */
};

struct structure_options {
	/*
	 * Packs whose length an index tells are held against the listing and not opened: also where
	 * they lie in a class that answers late.
	 */
	bool by_listing;
	void (*on_trouble)(void *arg, const char *what); /* may be NULL */
	void *arg;
};

/* Tells each thing that does not fit. 0 when it ran to its end. */
int repo_check_structure(struct repo *repo, const struct structure_options *options,
	struct structure_result *ret_result, struct why *why);

#endif
