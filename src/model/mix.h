/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is believed how far. Every expert's forecasts are held against what came; the mix of a coming
 * hour is the median of what the experts say, weighted by a high power of their discounted mean
 * absolute errors (-6 for the next day, -4 for later ones), with one record for each lead: one,
 * two, four and seven days ahead. On real load a weighted median beats the weighted mean and the
 * single best expert, because one expert that runs away cannot pull it.
 *
 * Windows of low load are chosen otherwise: what counts there is the order of the day's windows,
 * and the expert's own past regret, so the window score is a mean of the experts' ranks of a window
 * (of their square roots: who is first counts more than who is last). Means of their loads choose
 * worse: an expert with one high peak would take all other windows for alike.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_MIX_H
#define EBB_MODEL_MIX_H

#include <stddef.h>

#include "model/experts.h"

enum { LEADS = 4, WIDTHS = 2 };

extern const int lead_days[LEADS];    /* 1 2 4 7: the day ahead that a record is about */
extern const int width_hours[WIDTHS]; /* 2 4 */

/* Sums that forget: `loss` over `days`, both discounted by the day. */
struct tally {
	float loss, days;
};

struct mix {
	struct tally error[LEADS][EXPERTS]; /* mean absolute errors */
	struct tally regret[WIDTHS][EXPERTS];
};

/* The record that speaks for the day `ahead_hour` hours ahead (0 is the next hour). */
size_t lead_of(size_t ahead_hour);

/* A day has come: `said` is what each expert had said of it, `truth` what it was (gaps are
 * skipped). Fewer than six hours prove nothing and change nothing. */
void mix_learn(
	struct mix *mix, size_t lead, const float said[EXPERTS][HISTORY_DAY], const double *truth);

/* Drift: the record shrinks to two fifths, so that the next days decide. */
void mix_restart(struct mix *mix);

/* Weights of the experts for a lead, summing to 1; 0 for those without a forecast. */
void mix_weights(const struct mix *mix, size_t lead, const struct said *said, double *ret_weights);

/* The forecast: AHEAD_HOURS numbers, finite as soon as one expert speaks. */
void mix_forecast(const struct mix *mix, const struct said *said, double *ret);

/*
 * How far each window of the next day is from the lowest, 0..1, one for each first hour 0 .. 24 -
 * width. `width` is an index of width_hours.
 */
void mix_windows(const struct mix *mix, const struct said *said, size_t width, double *ret);

#endif
