/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a backup or an image's restore is: told between two reads, so that at most one of them
 * goes by unseen.
 */
#ifndef EBB_SHIP_PROGRESS_H
#define EBB_SHIP_PROGRESS_H

#include <stdint.h>

struct backup_progress {
	uint64_t entries, bytes; /* seen so far */
	uint64_t read_bytes;     /* of a restore: written */
	uint64_t of_bytes;       /* of the source in all, about; 0: nobody knows */
	const char *path;        /* where it is; NULL: it is nowhere in particular */
};

/* Nothing is kept of it after the call. */
typedef void backup_progress_fn(void *arg, const struct backup_progress *now);

#endif
