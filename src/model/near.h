/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next hour in twelve steps of five minutes, from a week of such steps. A portfolio of its own,
 * small enough to be asked at every step: who is believed is decided by what each said before, hour
 * by hour.
 *
 * Steps are local time like hours (history.h). Gaps stay gaps.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_NEAR_H
#define EBB_MODEL_NEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NEAR_STEP_S = 300, NEAR_HOUR = 12, NEAR_DAY = 288, NEAR_STEPS = 7 * NEAR_DAY };

enum near_expert {
	NEAR_LAST,       /* the last value goes on */
	NEAR_SHORT,      /* the median of the last quarter of an hour */
	NEAR_HOURLY,     /* the median of the last hour */
	NEAR_LONG,       /* of six hours */
	NEAR_SMOOTH,     /* a smoothed level on a logarithmic scale */
	NEAR_DAY_BEFORE, /* the same steps yesterday */
	NEAR_SAME,       /* the median of the same half hour on seven days */
	NEAR_SHIFTED,    /* that, moved to the level of the last hour */
	NEAR_LINE, /* regression on the last hour, the last day's same hour and the day's shape */
	NEAR_EXPERTS
};

extern const char *const near_names[NEAR_EXPERTS];

enum { NEAR_FEATURES = 9 };

struct near {
	float steps[NEAR_STEPS]; /* ring */
	int64_t first, next;     /* as in struct history, counted in steps */
	bool started, negative;
	double sum;
	uint32_t count;
	/* Discounted mean absolute errors: of the first quarter of the hour, and of the rest. */
	float error[2][NEAR_EXPERTS], weight[2][NEAR_EXPERTS];
	/* Words of the last time, until the hour has passed. */
	int64_t said_at; /* first step they are about; 0: none */
	float said[NEAR_EXPERTS][NEAR_HOUR];
	/* Running normal equations of NEAR_LINE, one right side for each quarter of the hour,
	 * forgetting. */
	float gram[NEAR_FEATURES * NEAR_FEATURES], right[4][NEAR_FEATURES];
	float asked[NEAR_FEATURES]; /* the features the words were said on */
	float smooth;               /* level of NEAR_SMOOTH */
	bool asked_real;
};

void near_add(struct near *near, int64_t local_s, double value);
void near_reach(struct near *near, int64_t local_s);

struct near_ahead {
	int64_t start; /* first step */
	double mix[NEAR_HOUR];
	double by[NEAR_EXPERTS][NEAR_HOUR];
};

/* False: nothing was ever seen. When the words of the last time have come true or not, they are
 * scored and new ones are left: ask at least once an hour. */
bool near_say(struct near *near, struct near_ahead *ret);

#endif
