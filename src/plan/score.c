/* SPDX-License-Identifier: Apache-2.0 */
/* Shares of days, and an isotonic map. */
#include "plan/score.h"

#include <math.h>

#include "num/isotonic.h"

/* Half a day of "it happens as often as at any time of day" for windows that no day tells about. */
static const double prior = 0.5, persist = 0.3;

enum { HOUR = 12, NEAR = 3 * HOUR };

int score_happens(
	const struct harm_device *device, const float *busy, const struct score_window *window)
{
	int known = 0, over = 0;
	for (int64_t slot = window->from; slot < window->from + window->slots; slot++) {
		if (isnan(busy[slot]))
			continue;
		known++;
		over += (double)window->share >
			harm_share_allowed(device, (double)busy[slot]) * (1 + 1e-9);
	}
	if (known * 2 < window->slots)
		return -1;
	return over * 10 >= known;
}

/* How often it happened in the hours before, whatever time of day it was. */
static void add_any_time(const struct harm_device *device, struct days_past past, int64_t now,
	const struct score_window *window, double sums[2])
{
	double count = 0, happened = 0;
	struct score_window then = *window;
	for (int i = 1; i <= 7 * 24; i++) {
		then.from = now - (int64_t)i * HOUR;
		then.slots = HOUR;
		int did = then.from < 0 ? -1 : score_happens(device, past.busy, &then);
		count += did >= 0;
		happened += did > 0;
	}
	sums[0] += prior;
	sums[1] += prior * (count > 0 ? happened / count : 0.5);
}

/* The last hour goes on: to be believed for what comes soon. */
static void add_last_hour(const struct harm_device *device, struct days_past past, int64_t now,
	const struct score_window *window, double sums[2])
{
	struct score_window then = {.from = now - HOUR, .slots = HOUR, .share = window->share};
	int did = then.from < 0 ? -1 : score_happens(device, past.busy, &then);
	if (did < 0 || window->from - now > NEAR)
		return;
	double weight = sums[0] * persist / (1 - persist);
	sums[0] += weight;
	sums[1] += weight * did;
}

double score_raw(const struct harm_device *device, struct days_past past, int64_t now,
	const struct score_window *window)
{
	double sums[2] = {0}; /* all, and those on which it happens */
	bool soon = window->from - now <= NEAR;
	for (int age = 1; age <= DAYS_BACK; age++) {
		struct score_window then = *window;
		then.from -= (int64_t)age * DAYS_DAY;
		if (then.from < 0 || then.from + then.slots > now)
			continue;
		int did = score_happens(device, past.busy, &then);
		double weight = soon ? days_weight(past, now, age) : days_weight_far(age);
		sums[0] += did >= 0 ? weight : 0;
		sums[1] += did > 0 ? weight : 0;
	}
	add_any_time(device, past, now, window, sums);
	add_last_hour(device, past, now, window, sums);
	return sums[1] / sums[0];
}

static size_t bin_of(double raw)
{
	return raw > 0 ? (size_t)fmin(raw * SCORE_BINS, SCORE_BINS - 1) : 0;
}

void score_learn(struct score_record *record, double raw, bool happened, double forget)
{
	if (!(raw >= 0 && raw <= 1))
		return;
	if (forget < 1)
		for (size_t i = 0; i < SCORE_BINS; i++) {
			record->said[i] *= forget;
			record->happened[i] *= forget;
			record->count[i] *= forget;
		}
	size_t bin = bin_of(raw);
	record->said[bin] += raw;
	record->happened[bin] += happened;
	record->count[bin] += 1;
}

void score_fit(struct score_record *record)
{
	double weight[SCORE_BINS];
	size_t n = 0;
	for (size_t i = 0; i < SCORE_BINS; i++) {
		if (record->count[i] <= 0)
			continue;
		record->at[n] = record->said[i] / record->count[i];
		record->fitted[n] = record->happened[i] / record->count[i];
		weight[n++] = record->count[i];
	}
	isotonic_fit(record->fitted, weight, n);
	record->bins = n;
}

double score_true(const struct score_record *record, double raw)
{
	return record->bins ? isotonic_at(record->at, record->fitted, record->bins, raw) : raw;
}
