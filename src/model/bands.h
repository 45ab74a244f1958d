/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantiles of coming hours from the residuals of past forecasts: half from the same hour of the
 * day and its neighbours, half from all hours; above the median averaged with what that hour was on
 * the remembered days themselves; stretched by the guard; sorted; never below zero where the
 * quantity has no sign. And whole days that could happen, for planners who need them.
 *
 * Any thread.
 */
#ifndef EBB_MODEL_BANDS_H
#define EBB_MODEL_BANDS_H

#include "model/record.h"

/* Residuals of one lead, sorted once for all its hours. About 20 KB. */
struct bands {
	const struct residuals *residuals;
	const struct history *history;
	double pooled[RECORD_DAYS * HISTORY_DAY];
	size_t count;
	size_t lead;
	double level, widest; /* now; the range of all that is kept */
};

/* What bands stem from: shares that sum to 1. */
struct bands_basis {
	double record; /* errors of past forecasts */
	double days;   /* what remembered days were at the same hour */
	double class;  /* what such quantities do on other machines (prior.h) */
	size_t record_days;
	double days_known;
};

struct bands_basis bands_basis(const struct bands *bands);

/* Borrows both until the last bands_at(). */
void bands_begin(struct bands *bands, const struct record *record, const struct history *history,
	size_t lead);

/*
 * Quantiles of the hour `ahead` hours ahead whose forecast is `mix`. `taus` ascend; `ret` ascends.
 * While there are few residuals the bands come from what remembered days were at that hour, and
 * from the quantity's class: the less is known, the wider.
 */
void bands_at(const struct bands *bands, size_t ahead, double mix, const double *taus, size_t count,
	double *ret);

#endif
