/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last six weeks of a series as hourly means, on the local clock.
 *
 * Time is local seconds (UTC plus the offset that was in force), because people and cron jobs live
 * by it: the hour that a clock change skips is a gap, the hour that it repeats is one longer mean,
 * and every day has 24 slots. A gap is a gap (NaN), never a zero.
 *
 * Poison is counted and kept out: NaN, infinities and absurd numbers, and time going back.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_HISTORY_H
#define EBB_MODEL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/prior.h"

enum { HISTORY_DAY = 24, HISTORY_WEEK = 168, HISTORY_HOURS = 6 * HISTORY_WEEK };

struct history {
	float hours[HISTORY_HOURS]; /* ring; the hour t stands at t % HISTORY_HOURS */
	int64_t first;              /* the oldest hour kept (hours since 1970, local) */
	int64_t next;               /* the hour now being filled: one past the newest whole one */
	double sum;                 /* of it */
	uint32_t count;
	bool started;
	bool negative;          /* a value below zero was seen: the quantity has a sign */
	enum prior_class class; /* what kind of quantity it is, as its owner says */
	uint64_t poisoned;      /* samples refused for what they say */
	uint64_t late;          /* samples refused because their hour is closed */
};

/* A sample at a local time; closes all hours before it. */
void history_add(struct history *history, int64_t local_s, double value);

/* Time has come this far, sample or not: closes all hours before it. Time going back: nothing. */
void history_reach(struct history *history, int64_t local_s);

/* How many whole hours are kept, gaps included. */
size_t history_len(const struct history *history);

/* The newest `n` <= history_len() hours in order; returns how many of them are there. */
size_t history_copy(const struct history *history, size_t n, double *ret);

/* One hour's mean; NaN: gap, or not kept. */
double history_at(const struct history *history, int64_t hour);

/*
 * Fills gaps for methods that want lags: from the same hour a day before, then a week before, then
 * the last value. `ret_filled` marks them. False: nothing is there at all.
 */
bool history_fill(const double *y, size_t n, double *ret, bool *ret_filled);

#endif
