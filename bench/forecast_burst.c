/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Will it be high in half an hour, or all the time until then? Coefficients from August, asked in
 * September at every step; Brier skill over the base rate, against knowing only whether it is high
 * now.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/forecast.h"
#include "model/burst.h"
#include "num/array.h"

enum { DAY = 288, SKIP_DAYS = 31, TRAIN_DAYS = 31, EACH = 7 };

struct rows {
	float *features;
	uint8_t *truth;
	size_t count, cap;
};

/* What is asked: high at the step half an hour ahead, or high all the time until then. */
enum { THEN, THROUGHOUT, QUESTIONS };

struct brier {
	double base, state, own, count, high; /* sums of squares; of truth */
	int question;
	double after[2], seen[2]; /* training: high in half an hour, by state now */
};

static void keep(struct rows *rows, const double *features, bool truth)
{
	if (rows->count == rows->cap)
		return;
	float *at = rows->features + rows->count * BURST_FEATURES;
	for (size_t i = 0; i < BURST_FEATURES; i++)
		at[i] = (float)features[i];
	rows->truth[rows->count++] = truth;
}

static bool answer(const struct burst *burst, const float *ahead, int question)
{
	bool all = true;
	for (size_t i = 0; i < BURST_AHEAD; i++)
		all = all && !((double)ahead[i] <= (double)burst->high);
	return question == THEN ? (double)ahead[BURST_AHEAD - 1] > (double)burst->high : all;
}

/* One series through July (threshold and habit), August (`logit` NULL: rows are kept) and
 * September (scored). */
static void walk(
	const float *y, size_t n, const struct logit *logit, struct rows *rows, struct brier *brier)
{
	struct burst burst = {0};
	size_t train = SKIP_DAYS * DAY, test = (SKIP_DAYS + TRAIN_DAYS) * DAY;
	double *scratch = malloc(n * sizeof(*scratch));
	if (scratch)
		burst_level(&burst, y + train, (uint32_t)(test - train), scratch);
	free(scratch);
	for (size_t i = 0; i + BURST_AHEAD < n; i++) {
		double ahead = (double)y[i + BURST_AHEAD - 1], features[BURST_FEATURES];
		bool truth = answer(&burst, y + i, brier->question);
		if (i >= train && !isnan(ahead) && burst.steps) {
			size_t state = burst.above;
			burst_features(&burst, (int64_t)i, features);
			if (!logit && i < test) {
				brier->after[state] += truth;
				brier->seen[state] += 1;
				if (i % EACH == 0)
					keep(rows, features, truth);
			} else if (logit && i >= test) {
				double p = logit_at(logit, features);
				double markov = brier->after[state] / brier->seen[state];
				double base = (brier->after[0] + brier->after[1]) /
					(brier->seen[0] + brier->seen[1]);
				brier->own += (p - truth) * (p - truth);
				brier->state += (markov - truth) * (markov - truth);
				brier->base += (base - truth) * (base - truth);
				brier->count += 1;
				brier->high += truth;
			}
		}
		burst_add(&burst, (int64_t)i, (double)y[i]);
	}
}

static bool lively(const float *y, size_t n)
{
	size_t present = 0, live = 0;
	for (size_t i = 0; i < n; i++) {
		present += isnan(y[i]) ? 0 : 1;
		live += fabs((double)y[i]) > 1e-6 ? 1 : 0;
	}
	return 2 * present > n && 10 * live > present;
}

static bool metric(const struct options *options, const char *name, int question)
{
	char path[4096];
	struct table table;
	snprintf(path, sizeof(path), "%s/bitbrains/%s.csv.gz", options->data, name);
	if (!table_read(&table, path) || table.rows < (SKIP_DAYS + TRAIN_DAYS + 7) * DAY)
		return false;
	struct rows rows = {.cap = table.columns * TRAIN_DAYS * DAY / EACH + 1};
	rows.features = malloc(rows.cap * BURST_FEATURES * sizeof(float));
	rows.truth = malloc(rows.cap);
	struct brier brier = {.question = question};
	struct logit logit = {.dims = BURST_FEATURES};
	if (!rows.features || !rows.truth)
		abort();
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t c = 1; c < table.columns; c += options->stride) {
			const float *y = table.at + c * table.rows;
			if (lively(y, table.rows))
				walk(y, table.rows, pass ? &logit : NULL, &rows, &brier);
		}
		struct logit_data data = {
			.rows = rows.features, .truth = rows.truth, .n = rows.count, .ridge = 1};
		if (!pass && !logit_fit(&logit, &data))
			printf("%s: no fit\n", name);
	}
	printf("%-10s high %4.1f %%  Brier skill: state now %.3f, ebb %.3f\n", name,
		100 * brier.high / brier.count, 1 - brier.state / brier.base,
		1 - brier.own / brier.base);
	free(rows.features);
	free(rows.truth);
	table_done(&table);
	return true;
}

bool burst_bitbrains(const struct options *options)
{
	static const char *const asked[QUESTIONS] = {
		"high in 30 minutes", "high for all of the next 30 minutes"};
	static const char *const names[] = {"wr_kbs", "rd_kbs", "cpu_pct"};
	for (int question = 0; question < QUESTIONS; question++) {
		printf("\n== Bursts on Bitbrains VMs: %s; learnt in August, asked in September\n",
			asked[question]);
		for (size_t i = 0; i < 3; i++)
			if (!metric(options, names[i], question))
				return false;
	}
	return true;
}
