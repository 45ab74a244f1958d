/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models in the folder `models` of a state folder, a whole file each (docs/FORMATS.md, "Kept
 * models"): how far it was fed, the series' name, the model as it stands on the shelf, and its
 * words that wait for their day, so that a restart costs no record.
 *
 * Calls block. Any thread; one writer at a time for each state folder.
 */
#ifndef EBB_FORESEE_KEPT_H
#define EBB_FORESEE_KEPT_H

#include "foresee/feed.h"
#include "store/head.h"

struct disk;
struct why;

/* Where, and of which series. */
struct kept {
	struct disk *disk;
	uint8_t identity[IDENTITY_SIZE];
	const char *name; /* of the series; borrowed */
};

/* Durable when it answers 0. After an error but -ENOMEM and -ENOSPC the disk is not to be trusted.
 */
int kept_write(const struct kept *kept, const struct fed *fed, struct why *why);

struct network;

/* The network that all models of a state folder share; `kept->name` does not matter. Errors as of
 * kept_write() and kept_read(). */
int kept_network_write(const struct kept *kept, const struct network *network, struct why *why);
int kept_network_read(const struct kept *kept, struct network *network, struct why *why);

/*
 * Fills fed->model and fed->until_ms by fed->id. -ENOENT: there is none, or it is another series';
 * -EBADMSG: damaged; -ENOTSUP: from a newer program; -ENOMEM. Untouched then.
 */
int kept_read(const struct kept *kept, struct fed *fed, struct why *why);

#endif
