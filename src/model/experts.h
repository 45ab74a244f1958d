/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The experts: small forecasters that all look at the same six weeks of hours and each say what the
 * next seven days will be. None is trusted; the mix (mix.h) holds every one against what came.
 *
 * Those called log work on log(y + offset): server load has multiplicative noise, and the offset, a
 * tenth of the typical value, keeps zeros and trickles from mattering.
 *
 * Any thread, one at a time for each struct work.
 */
#ifndef EBB_MODEL_EXPERTS_H
#define EBB_MODEL_EXPERTS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/history.h"
#include "num/hmm.h"
#include "num/smooth.h"

enum {
	EXPERT_LAST,      /* the mean of the last two hours goes on */
	EXPERT_DAY,       /* the day before */
	EXPERT_WEEK,      /* the week before */
	EXPERT_LEVEL,     /* the median of seven days */
	EXPERT_HOUR,      /* the median of the same hour on seven days */
	EXPERT_WEEK_HOUR, /* the median of the same hour of the week in four weeks */
	EXPERT_ANALOGUE,  /* days whose last hours were like today's */
	EXPERT_HW_LOG,    /* smoothing with a season of a day */
	EXPERT_DSHW_LOG,  /* and of a week */
	EXPERT_DSHW,
	EXPERT_THETA, /* of 14 days */
	EXPERT_THETA_LOG,
	EXPERT_LAG_LOG, /* autoregression on a week of lags */
	EXPERT_LAG,
	EXPERT_TREND_LOG, /* bent line, Fourier seasons */
	EXPERT_PROFILE,   /* weighted means of the same hour on 28 days */
	EXPERT_PHASES,    /* the phase (hidden Markov model) that the day is in, and what follows */
	EXPERT_GUEST,     /* what a shared network says, when one is passed in */
	EXPERTS
};

enum { AHEAD_HOURS = HISTORY_WEEK };

extern const char *const expert_names[EXPERTS];

/* What fits take from one day to the next. */
struct expert_fits {
	struct smooth hw_log, dshw_log, dshw;
	struct hmm phases;
	bool fitted, phased;
};

/* Where fits begin. */
void experts_begin(struct expert_fits *fits);

/* Scratch of one thread, about 1 MB, for any number of series one after the other. */
struct work;

struct work *work_new(void); /* gives; NULL: no memory */
void work_free(struct work *work);

/* The calendar by which series are looked at from now on; borrowed. NULL: no day is special. */
struct calendar;
void work_calendar(struct work *work, const struct calendar *calendar);

struct said {
	double by[EXPERTS][AHEAD_HOURS]; /* gaps where an expert has nothing to say */
	size_t hours;                    /* of history that it was said on */
	double level, spread;            /* median of the last weeks, and the range seen in them */
};

/*
 * Lets all experts speak on the history as it stands. With `fit` the smoothers look for better
 * parameters first (once a day is enough). `guest`: AHEAD_HOURS numbers or NULL. False: the history
 * is empty.
 */
bool experts_say(const struct history *history, struct expert_fits *fits, bool fit,
	const double *guest, struct work *work, struct said *ret);

#endif
