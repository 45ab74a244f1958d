/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the name of a place to the open place, with all of the machine that it stands on.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_OPEN_PLACE_H
#define EBB_EBB_OPEN_PLACE_H

#include <stdbool.h>

#include "os/linux/disk.h"

struct call;
struct place;
struct why;

struct open_place {
	struct linux_disk disk;
	bool disk_open;
	struct place *place;
};

/*
 * -ENOENT: nothing is there, and `make` does not allow to begin it; -EINVAL: no such kind of place.
 * What was opened before a failure is in *ret_open: open_place_done() always follows.
 */
int open_place(const struct call *call, const char *url, bool make, struct open_place *ret_open,
	struct why *why);

/* For OWN(). All zero is allowed. */
void open_place_done(struct open_place *open);

#endif
