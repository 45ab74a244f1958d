/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole days that could happen: the forecast, bent as each remembered day bent away from its own
 * forecast. Hours of one path belong together (a late night job is late in all of them), which
 * quantiles hour by hour cannot say.
 *
 * Any thread.
 */
#ifndef EBB_MODEL_PATHS_H
#define EBB_MODEL_PATHS_H

#include "model/model.h"

enum { PATHS_MAX = RECORD_DAYS };

struct path {
	double weight; /* all sum to 1 */
	/* Of the remembered day; 0: an edge of the band, while hardly a day is remembered. */
	int age_days;
	double hours[AHEAD_HOURS];
};

/* Newest day first; weights halve in 14 days and double on the same day of the week. Returns how
 * many, at least 3 and at most PATHS_MAX. */
size_t paths_make(const struct model *model, const struct ahead *ahead, struct path *ret);

#endif
