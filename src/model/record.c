/* SPDX-License-Identifier: Apache-2.0 */
/* Pending words, residuals, the guard and the alarm of drift. */
#include "model/record.h"

#include <math.h>
#include <string.h>

#include "num/array.h"

enum { DAY = HISTORY_DAY, TAU_LOW = 1, TAU_HIGH = 5 };

/* Which of the pending places are a lead's own: 0; 1 2; 3 .. 6; 7 .. 13. */
static size_t first_place(size_t lead)
{
	size_t first = 0;
	for (size_t i = 0; i < lead; i++)
		first += (size_t)lead_days[i];
	return first;
}

static void keep_residuals(
	struct residuals *residuals, const struct pending *pending, const double *truth, bool sign)
{
	/* By hour of the day, whenever the day of a refit begins. */
	float *row = residuals->of[residuals->days % RECORD_DAYS];
	for (size_t h = 0; h < DAY; h++)
		row[h] = (float)(to_root(truth[h], sign) - to_root((double)pending->mix[h], sign));
	residuals->days++;
}

/* A month of too many misses stretches by about a third: a guard, not a forecaster. */
static const struct track_opts guarded = {
	.wanted = 0.1, .gain = 0.2, .integral = 0.05, .low = -0.5, .high = 0.6};

enum { GUARDED_DAYS = 14 };

static void guard(struct residuals *residuals, const struct pending *pending, const double *truth)
{
	double below = 0, above = 0, count = 0;
	for (size_t h = 0; h < DAY; h++) {
		if (isnan(truth[h]))
			continue;
		below += truth[h] < (double)pending->quantile[TAU_LOW][h];
		above += truth[h] > (double)pending->quantile[TAU_HIGH][h];
		count += 1;
	}
	/* Bands that are wide because little is known are no fault to mend. */
	if (count < DAY / 2 || residuals->days < GUARDED_DAYS)
		return;
	track_move(&residuals->below, &guarded, below / count);
	track_move(&residuals->above, &guarded, above / count);
}

static double pinball(const struct pending *pending, size_t h, double truth)
{
	double sum = 0;
	for (size_t q = 0; q < AHEAD_QUANTILES; q++) {
		double off = truth - (double)pending->quantile[q][h], tau = ahead_taus[q];
		sum += (off > 0 ? tau : tau - 1) * off / AHEAD_QUANTILES;
	}
	return sum;
}

static void remember(struct tally *tally, double value)
{
	tally->loss = 0.95F * tally->loss + (float)value;
	tally->days = 0.95F * tally->days + 1;
}

static double usual(const struct tally *tally)
{
	return tally->days > 0 ? (double)tally->loss / (double)tally->days : 0;
}

/* The day ahead, for people; and the alarm: errors well above the usual for days in a row. */
static void show_day(
	struct record *record, struct mix *mix, const struct pending *pending, const double *truth)
{
	double error = 0, naive = 0, inside = 0, loss = 0, count = 0;
	for (size_t h = 0; h < DAY; h++) {
		double before = (double)pending->by[EXPERT_DAY][h];
		if (isnan(truth[h]) || isnan(before))
			continue;
		error += fabs(truth[h] - (double)pending->mix[h]);
		naive += fabs(truth[h] - before);
		inside += truth[h] >= (double)pending->quantile[TAU_LOW][h] &&
			truth[h] <= (double)pending->quantile[TAU_HIGH][h];
		loss += pinball(pending, h, truth[h]);
		count += 1;
	}
	if (count < DAY / 4)
		return;
	/* On a logarithm of errors half a unit is the spread of ordinary days. */
	double normal = usual(&record->error);
	bool proved = record->error.days > 5 && normal > 0;
	double strange = proved ? log(fmax(error / count, 1e-3 * normal) / normal) / 0.5 : 0;
	if (proved && page_add(&record->drift, fmin(strange, 4), 1.5, 20)) {
		mix_restart(mix);
		record->restarts++;
	}
	remember(&record->error, error / count);
	remember(&record->naive_error, naive / count);
	remember(&record->covered, inside / count);
	remember(&record->pinball, loss / count);
}

void record_show(const struct record *record, struct record_view *ret)
{
	double naive = usual(&record->naive_error);
	ret->days = (double)record->error.days;
	ret->mase = naive > 0 ? usual(&record->error) / naive : NUM_GAP;
	ret->coverage = ret->days > 0 ? usual(&record->covered) : NUM_GAP;
	ret->pinball = ret->days > 0 ? usual(&record->pinball) : NUM_GAP;
	ret->restarts = record->restarts;
}

static void settle_one(struct record *record, struct mix *mix, const struct history *history,
	size_t lead, struct pending *pending)
{
	double truth[DAY];
	for (size_t h = 0; h < DAY; h++)
		truth[h] = history_at(history, pending->start + (int64_t)h);
	if (num_count(truth, DAY) < DAY / 4)
		return;
	mix_learn(mix, lead, (const float(*)[DAY])pending->by, truth);
	keep_residuals(&record->residuals[lead], pending, truth, history->negative);
	guard(&record->residuals[lead], pending, truth);
	if (lead == 0)
		show_day(record, mix, pending, truth);
}

void record_settle(struct record *record, struct mix *mix, const struct history *history)
{
	for (size_t lead = 0; lead < LEADS; lead++) {
		size_t first = first_place(lead), end = first + (size_t)lead_days[lead];
		for (;;) {
			/* The oldest first, so that residuals stand in order of days. */
			struct pending *due = NULL;
			for (size_t i = first; i < end; i++) {
				struct pending *at = &record->pending[i];
				if (at->start && at->start + DAY <= history->next &&
					(!due || at->start < due->start))
					due = at;
			}
			if (!due)
				break;
			settle_one(record, mix, history, lead, due);
			due->start = 0;
		}
	}
}

void record_leave(struct record *record, const struct ahead *ahead)
{
	for (size_t lead = 0; lead < LEADS; lead++) {
		size_t places = (size_t)lead_days[lead], from = (places - 1) * DAY;
		struct pending *pending =
			&record->pending[first_place(lead) + (size_t)(ahead->start / DAY) % places];
		pending->start = ahead->start + (int64_t)from;
		for (size_t h = 0; h < DAY; h++) {
			pending->mix[h] = (float)ahead->mix[from + h];
			for (size_t q = 0; q < AHEAD_QUANTILES; q++)
				pending->quantile[q][h] = (float)ahead->quantile[from + h][q];
			for (size_t e = 0; e < EXPERTS; e++)
				pending->by[e][h] = (float)ahead->said.by[e][from + h];
		}
	}
}
