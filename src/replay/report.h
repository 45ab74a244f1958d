/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ways over the same days, as a table; and a week of one of them as a picture.
 *
 * Any thread, one at a time for each world.
 */
#ifndef EBB_REPLAY_REPORT_H
#define EBB_REPLAY_REPORT_H

#include <stddef.h>

struct replay_world;
struct str;

enum { REPLAY_ROWS = 24 };

struct replay_row {
	const char *name;
	double jobs;
	double harm;    /* of a job, in device slots */
	double avoided; /* of what the fixed start does and one who knows the day does not: a share
			 */
	double of_best; /* times the harm of one who knows the day */
	double over;    /* share of requests pushed over the floor */
	double late;    /* share of jobs */
};

/* A row for each way, and for ours and a wrong one with the gate. 0: no day is judged, or no
 * memory. */
size_t replay_report(const struct replay_world *world, struct replay_row ret_rows[REPLAY_ROWS]);

void replay_table(const struct replay_row *rows, size_t count, struct str *text);

/*
 * The last week of the first host as SVG: what its users did, what a fixed start and what we took.
 * Uses `taken`. 0; -EINVAL: there is no week; -ENOMEM.
 */
int replay_picture(struct replay_world *world, struct str *text);

#endif
