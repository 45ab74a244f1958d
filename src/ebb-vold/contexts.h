/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata contexts of an export: what a client may ask of each of its blocks besides
 * base:allocation.
 *
 *   x-ebb:era                  the era in which it was last written, 0: never. Those that are not
 *                              told apart any more are told as the last of them
 *   qemu:dirty-bitmap:NAME     bit 0: it was written since the snapshot NAME was cut, or in an era
 *                              that the consumer NAME had not passed when the client came. Where
 *                              both exist the consumer is meant; with too many the oldest
 *                              snapshots are left out
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_CONTEXTS_H
#define EBB_EBB_VOLD_CONTEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "nbd/nbd.h"

struct export;
struct vol_map;

struct contexts {
	unsigned count;
	const char *names[NBD_CONTEXTS - 1];
	uint32_t since[NBD_CONTEXTS - 1];
	char *text; /* that the names lie in */
};

/* Of the view that ends with era `upto`. -ENOMEM. */
int contexts_init(struct contexts *contexts, const struct vol_map *map, uint32_t upto);
void contexts_done(struct contexts *contexts);

/* Answers NBD_STATUS, at most of so much as does not keep others waiting. */
void contexts_answer(const struct export *export, struct nbd *nbd, struct nbd_request *request);

#endif
