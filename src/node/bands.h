/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy a device may be: quantiles of a slot that comes, from the remembered days by which the
 * planner goes, each counted as much as there (plan/days.h). Besides them the last hour goes on: of
 * a machine that nobody knows yet it is all there is.
 *
 * Any thread. Pure.
 */
#ifndef EBB_NODE_BANDS_H
#define EBB_NODE_BANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/days.h"

enum { BANDS_QUANTILES = 5, BANDS_MEDIAN = 2, BANDS_HOUR = 12 };

extern const double bands_taus[BANDS_QUANTILES]; /* 2.5 10 50 90 97.5 % */

struct bands_view {
	struct days_past past; /* borrowed */
	int64_t now;           /* all slots before are known or gaps; none after is looked at */
	double weights[DAYS_BACK + 1]; /* by age in days; 0: not remembered */
	double hour_weight;            /* of each slot of the last hour */
	double busy; /* of the slot under way, so far; NaN: not known, or not to be looked at */
	int days;    /* that are remembered */
};

void bands_view(struct bands_view *view, struct days_past past, int64_t now, double busy);

/* Of a slot from now on. False: nothing is known. */
bool bands_of(const struct bands_view *view, int64_t slot, double ret[BANDS_QUANTILES]);

#endif
