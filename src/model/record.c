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

static float stretched(float now, double miss_share)
{
	/* A fortieth of the way a day: a guard, not a forecaster. */
	double moved = (double)now * exp(0.25 * (miss_share - 0.1));
	return (float)fmin(fmax(moved, 0.6), 1.8);
}

/* Shares of the day's hours below and above the band. */
static void guard(struct residuals *residuals, const struct pending *pending, const double *truth)
{
	double below = 0, above = 0, count = 0;
	for (size_t h = 0; h < DAY; h++) {
		if (isnan(truth[h]) || isnan(pending->low[h]))
			continue;
		below += truth[h] < (double)pending->low[h];
		above += truth[h] > (double)pending->high[h];
		count += 1;
	}
	if (count < DAY / 2)
		return;
	residuals->stretch_low = stretched(residuals->stretch_low, below / count);
	residuals->stretch_high = stretched(residuals->stretch_high, above / count);
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
			pending->low[h] = (float)ahead->quantile[from + h][TAU_LOW];
			pending->high[h] = (float)ahead->quantile[from + h][TAU_HIGH];
			for (size_t e = 0; e < EXPERTS; e++)
				pending->by[e][h] = (float)ahead->said.by[e][from + h];
		}
	}
}
