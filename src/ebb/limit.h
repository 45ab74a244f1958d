/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --limit and --limit-file: how fast a call may go. The file is looked at once a second while bytes
 * move, so that whoever writes it steers what runs.
 *
 * limit_open() by the main thread; what it opened is used by those that move bytes.
 */
#ifndef EBB_EBB_LIMIT_H
#define EBB_EBB_LIMIT_H

#include <stdbool.h>

#include "base/why.h"

struct call;
struct pace;

/* One pace that goes by a file. It does not move once it is open. */
struct limit_file {
	const char *path;
	struct pace *pace;
	bool quiet; /* another one of the same file tells what is wrong with it */
	struct why told;
};

struct limit {
	/* Of reading the source, and of all that goes to the place and comes. */
	struct pace *source, *place;
	struct limit_file files[2];
};

/* An exit code. For limit_done() in any case. */
int limit_open(const struct call *call, struct limit *ret_limit);

/* When nobody takes from its paces any more. All zero is allowed. */
void limit_done(struct limit *limit);

#endif
