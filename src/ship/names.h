/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in a folder, in the order of a tree's entries: by their bytes.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_SHIP_NAMES_H
#define EBB_SHIP_NAMES_H

#include <stdbool.h>

#include "base/vec.h"

struct folder;

struct names {
	VEC(char *) list;
	bool failed; /* there was no memory for one */
};

/*
 * Lists and sorts them; for names_done() whatever comes. -ENOMEM: not all are there, and it is of
 * no use. Another error is the listing's: what was met until then is there.
 */
int names_list(struct folder *folder, struct names *ret_names);
void names_done(struct names *names);

#endif
