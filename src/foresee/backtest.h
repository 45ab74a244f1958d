/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How good forecasts of a trace would have been: the model lives through it day by day, and what it
 * says at each local midnight of the last days is held against what came, with simple forecasters
 * beside it. Only hours that were there count, and only those of which the day before had a value,
 * so that all are judged by the same ones.
 *
 * Any thread, one at a time for each struct work.
 */
#ifndef EBB_FORESEE_BACKTEST_H
#define EBB_FORESEE_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foresee/feed.h"
#include "series/bucket.h"

struct calendar;
struct why;

/* The next day, and the next seven days. */
enum { BACKTEST_RANGES = 2 };

struct backtest_score {
	double error;   /* sum of absolute errors */
	uint64_t hours; /* that it spoke of */
};

struct backtest {
	size_t hours, days; /* that hold something; that were forecast */
	size_t refits;
	uint64_t judged[BACKTEST_RANGES]; /* hours */
	struct backtest_score mix[BACKTEST_RANGES], by[BACKTEST_RANGES][EXPERTS];
	/* Of the next day: inside 10 .. 90 % and 2.5 .. 97.5 %, sums of the mean pinball loss of
	 * the seven quantiles, and of the same quantiles of the same hour on up to 28 days before.
	 */
	uint64_t inside_80, inside_95;
	double pinball, same_hour_pinball;
	uint32_t restarts;
};

struct backtest_options {
	local_fn *local;                 /* NULL: UTC */
	const struct calendar *calendar; /* of its days, borrowed; NULL: none is special */
	size_t days; /* the last ones are forecast; 0: half of them, at most 28 */
	/* At each local midnight, from the first on at which something is said: what comes. The day
	 * counts from the trace's first; NULL: nobody asks. */
	void (*on_midnight)(void *arg, size_t day, const struct ahead *ahead);
	void *arg;
};

/* -EINVAL: the trace is too short; -ENOMEM. */
int backtest_run(const struct samples *trace, const struct backtest_options *options,
	struct backtest *ret, struct why *why);

#endif
