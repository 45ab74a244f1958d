/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next hour in steps of five minutes, how odd the last one was, and for each hour of the next
 * day whether something is high in it, how long and how high: from the two weeks of five-minute
 * means that the store keeps, lived through at each call. Nothing of it is kept elsewhere.
 *
 * High is as in model/burst.h. A run of an hour or more is sustained, a shorter one a burst.
 *
 * Any thread, one at a time for each struct; calls block as those of the store do.
 */
#ifndef EBB_FORESEE_SOON_H
#define EBB_FORESEE_SOON_H

#include <stddef.h>
#include <stdint.h>

#include "foresee/feed.h"
#include "model/burst.h"
#include "model/near.h"
#include "model/odd.h"

struct calendar;
struct why;

enum { SOON_WINDOWS = 24 };

struct soon_window {
	double probability; /* that it holds a high step */
	double sustained;   /* share of that which lies in runs of an hour or more */
	double length_s;    /* expected, of the longest run that touches it, if there is one */
	double height;      /* expected mean of high steps */
};

struct soon {
	int64_t start_ms; /* the first step ahead */
	double value[NEAR_HOUR], quantile[NEAR_HOUR][AHEAD_QUANTILES];
	size_t hours; /* of record that the quantiles stem from */
	double high;  /* above this */
	struct burst_view now;
	/* Of the newest step and of the oddest one of the last hour (model/odd.h). */
	struct odd_view odd, odd_hour;
	int64_t windows_ms; /* where the first window begins: the next whole hour */
	struct soon_window windows[SOON_WINDOWS];
};

/* -ENODATA: there is no five-minute step; -ENOMEM; or what reading answered. */
int soon_look(
	const struct feed *feed, int64_t now_ms, uint32_t id, struct soon *ret, struct why *why);

/*
 * The same from `n` steps, gaps NaN, the last of which ends at local step `next`. What the
 * calendar's events did is not expected of other hours, and is of those they fall on; NULL: no day
 * is special.
 */
int soon_from(const float *steps, size_t n, int64_t next, const struct calendar *calendar,
	struct soon *ret);

/*
 * The burst model of these steps, and its coefficients as the steps moved them: what soon_from()
 * asks. -ENOMEM.
 */
int soon_burst(const float *steps, size_t n, int64_t next, struct burst *ret_burst,
	struct logit *ret_logit);

/* The windows of the day that begins with the next whole hour, from what these steps did. */
void soon_windows(const float *steps, size_t n, int64_t next, double high,
	struct soon_window ret[SOON_WINDOWS]);

/* "calm" below an even chance, else "burst" or "sustained". */
const char *soon_class(const struct soon_window *window);

#endif
