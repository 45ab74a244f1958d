/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said, until it can be held against what came; and by how far it was off.
 *
 * Each day the mix and all experts leave their words about the days 1, 2, 4 and 7 ahead here. When
 * such a day is over, the experts are scored (mix_learn) and the error of the mix becomes one row
 * of residuals. Residuals are kept on a square root scale (plain where the quantity has a sign):
 * the spread of load grows with its level, but not in proportion, and on a logarithmic scale the
 * upper tail explodes.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_RECORD_H
#define EBB_MODEL_RECORD_H

#include "model/mix.h"
#include "num/change.h"
#include "num/conform.h"

enum { AHEAD_QUANTILES = 7 };

extern const double ahead_taus[AHEAD_QUANTILES]; /* .025 .1 .25 .5 .75 .9 .975 */

/* All that is said at one moment. */
struct ahead {
	int64_t start; /* first hour (hours since 1970, local) */
	double mix[AHEAD_HOURS];
	double quantile[AHEAD_HOURS][AHEAD_QUANTILES];
	struct said said;
};

enum { RECORD_DAYS = 28, RECORD_PENDING = 1 + 2 + 4 + 7 };

struct pending {
	int64_t start; /* first hour of the day it is about; 0: free */
	float mix[HISTORY_DAY], quantile[AHEAD_QUANTILES][HISTORY_DAY];
	float by[EXPERTS][HISTORY_DAY];
};

struct residuals {
	float of[RECORD_DAYS][HISTORY_DAY]; /* truth - mix, both on the root scale; NaN: none */
	uint32_t days; /* rows ever written; the newest is (days - 1) % RECORD_DAYS */
	/* The guard: logarithms of what the bands are stretched by below and above, moved slowly so
	 * that a tenth of what comes lies outside of each. */
	struct track below, above;
};

struct record {
	struct pending pending[RECORD_PENDING];
	struct residuals residuals[LEADS];
	/* What is shown to people, of the day ahead: mean absolute error of the mix and of the day
	 * before, share inside 10 .. 90 %, mean pinball loss of the seven quantiles. Discounted. */
	struct tally error, naive_error, covered, pinball;
	struct page drift; /* on daily errors, in units of what is usual */
	uint32_t restarts;
};

struct record_view {
	double days;     /* of record, discounted; 0: nothing is proved yet */
	double mase;     /* error relative to that of the day before */
	double coverage; /* of 10 .. 90 % */
	double pinball;
	uint32_t restarts;
};

void record_show(const struct record *record, struct record_view *ret);

static inline double to_root(double y, bool sign)
{
	return sign ? y : __builtin_sqrt(y > 0 ? y : 0);
}

static inline double from_root(double x, bool sign)
{
	return sign ? x : x > 0 ? x * x : 0;
}

/* Holds all that has come due against the history. */
void record_settle(struct record *record, struct mix *mix, const struct history *history);

/* Leaves today's words. */
void record_leave(struct record *record, const struct ahead *ahead);

#endif
