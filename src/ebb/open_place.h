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
struct linux_http;
struct pace;
struct place;
struct why;
struct world;

struct open_place {
	bool bucket; /* of an object store */
	bool cold;   /* its content goes to another storage class than the usual one */
	struct linux_disk disk;
	bool disk_open;
	struct linux_http *http;
	struct place *inner; /* the place itself, behind its pace */
	struct place *place;
};

struct open_place_how {
	const struct call *call;
	const struct world *world; /* its clock and dice, borrowed while the place is open */
	bool make;                 /* a folder that is not there is begun */
	struct pace *pace;         /* of all that goes there and comes; borrowed, NULL: none */
};

/*
 * -ENOENT: nothing is there, and `make` does not allow to begin it; -EINVAL: no such kind of place.
 * What was opened before a failure is in *ret_open: open_place_done() always follows.
 */
int open_place(const struct open_place_how *how, const char *url, struct open_place *ret_open,
	struct why *why);

/* Whether a repository lies at `url`, asked in a world of its own. 0; else why nobody can say. */
int open_place_look(const struct call *call, const char *url, bool *ret_there, struct why *why);

/* For OWN(). All zero is allowed. */
void open_place_done(struct open_place *open);

#endif
