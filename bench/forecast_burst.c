/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Will it be high in half an hour, on the mean until then, or all the time? High is told by July,
 * coefficients are learnt in August and asked in September at every step: Brier skill over the base
 * rate, against knowing only whether it is high now. Then the same as a node lives: high and
 * coefficients by the last two weeks, anew each week; and the windows of each coming day.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/forecast.h"
#include "foresee/soon.h"
#include "model/burst.h"
#include "num/array.h"

enum { DAY = 288, WEEK = 7 * DAY, JULY = 31 * DAY, AUGUST = 62 * DAY, LAST = 14 * DAY, EACH = 7 };

struct rows {
	float *features;
	uint8_t *truth;
	size_t count, cap;
};

/* What is asked: high at the step half an hour ahead, the mean until then, all the time. */
enum { THEN, MEAN, THROUGHOUT, QUESTIONS };

struct brier {
	double own, count, high;  /* sum of squares; of truth */
	double state[2], seen[2]; /* high by state now */
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
	double high = (double)burst->high, mean = 0;
	bool all = true;
	for (size_t i = 0; i < BURST_AHEAD; i++) {
		all = all && !((double)ahead[i] <= high);
		mean += (double)ahead[i] / BURST_AHEAD;
	}
	return question == THEN    ? (double)ahead[BURST_AHEAD - 1] > high
		: question == MEAN ? mean > high
				   : all;
}

static void score(struct brier *brier, bool above, double p, bool truth)
{
	brier->own += (p - truth) * (p - truth);
	brier->count += 1;
	brier->high += truth;
	brier->state[above] += truth;
	brier->seen[above] += 1;
}

/* Both know the frequencies of the very days that are asked about. */
static void print_brier(const char *name, const struct brier *brier)
{
	double rate = brier->high / brier->count, base = brier->count * rate * (1 - rate);
	double state = 0;
	for (size_t i = 0; i < 2; i++)
		if (brier->seen[i] > 0)
			state += brier->state[i] * (1 - brier->state[i] / brier->seen[i]);
	printf("  %-10s high %4.1f %%  Brier skill: state now %.3f, ebb %.3f\n", name, 100 * rate,
		1 - state / base, 1 - brier->own / base);
}

static struct burst begin(const float *y, size_t n)
{
	struct burst burst = {0};
	double *scratch = malloc(n * sizeof(*scratch));
	if (!scratch)
		abort();
	burst_level(&burst, y, (uint32_t)n, scratch);
	free(scratch);
	return burst;
}

/* One series; `logit` NULL: August's rows are kept, else September is scored. */
static void walk(const float *y, size_t n, int question, const struct logit *logit,
	struct rows *rows, struct brier *brier)
{
	struct burst burst = begin(y, JULY);
	for (size_t i = 0; i + BURST_AHEAD < n && (logit || i < AUGUST); i++) {
		double ahead = (double)y[i + BURST_AHEAD - 1], features[BURST_FEATURES];
		bool asked = logit ? i >= AUGUST : i >= JULY && i % EACH == 0;
		if (asked && !isnan(ahead) && burst.steps) {
			bool truth = answer(&burst, y + i, question);
			burst_features(&burst, (int64_t)i, features);
			if (logit)
				score(brier, burst.above, logit_at(logit, features), truth);
			else
				keep(rows, features, truth);
		}
		burst_add(&burst, (int64_t)i, (double)y[i]);
	}
}

/* A node's burst model, anew each week of September. */
static void live(const float *y, size_t n, struct brier *brier)
{
	for (size_t from = AUGUST; from + WEEK + BURST_AHEAD < n; from += WEEK) {
		struct burst burst;
		struct logit logit;
		if (soon_burst(y + from - LAST, LAST, (int64_t)from, &burst, &logit))
			abort();
		for (size_t i = from; i < from + WEEK; i++) {
			struct burst_view view;
			burst_look(&burst, &logit, (int64_t)i, &view);
			if (!isnan(y[i + BURST_AHEAD - 1]))
				score(brier, burst.above, view.probability,
					answer(&burst, y + i, THEN));
			burst_add(&burst, (int64_t)i, (double)y[i]);
		}
	}
}

/* ---- the hours of each coming day ---- */

enum { CALM, BURST, SUSTAINED, CLASSES };

struct classed {
	struct brier brier;                  /* that an hour holds a high step */
	double right, right_day, hours;      /* classes: said, as the day before */
	double told[CLASSES][CLASSES];       /* what was said of what came */
	double length_off, height_off, runs; /* logarithms, of hours that were high */
};

struct came {
	int class;
	double length_s, height;
};

static struct came what_came(const float *y, size_t at, double high)
{
	struct came came = {.class = CALM};
	size_t longest = 0, steps = 0;
	for (size_t i = at; i < at + 12; i++) {
		if (!((double)y[i] > high))
			continue;
		size_t from = i, to = i;
		while (from > 0 && (double)y[from - 1] > high)
			from--;
		while ((double)y[to] > high)
			to++;
		longest = to - from > longest ? to - from : longest;
		came.height += (double)y[i];
		steps++;
	}
	if (longest)
		came.class = longest >= 12 ? SUSTAINED : BURST;
	came.length_s = (double)longest * 300;
	came.height /= steps ? (double)steps : 1;
	return came;
}

static void classify(const float *y, size_t n, struct classed *classed)
{
	for (size_t at = AUGUST; at + 2 * DAY < n; at += DAY) {
		const struct burst burst = begin(y + at - LAST, LAST);
		double high = (double)burst.high;
		struct soon_window windows[SOON_WINDOWS];
		soon_windows(y + at - LAST, LAST, (int64_t)at, high, windows);
		for (size_t h = 0; h < SOON_WINDOWS; h++) {
			const struct soon_window *said = &windows[h];
			struct came came = what_came(y, at + 12 * h, high);
			struct came before = what_came(y, at + 12 * h - DAY, high);
			int class = said->probability < 0.5 ? CALM
				: said->sustained < 0.5     ? BURST
							    : SUSTAINED;
			score(&classed->brier, before.class != CALM, said->probability,
				came.class != CALM);
			classed->right += class == came.class;
			classed->right_day += before.class == came.class;
			classed->told[came.class][class] += 1;
			classed->hours += 1;
			if (came.class == CALM)
				continue;
			classed->length_off += fabs(log(fmax(said->length_s, 300) / came.length_s));
			classed->height_off += fabs(log(fmax(said->height, 1e-9) / came.height));
			classed->runs += 1;
		}
	}
}

static void print_classed(const char *name, const struct classed *classed)
{
	static const char *const classes[CLASSES] = {"calm", "burst", "sustained"};
	print_brier(name, &classed->brier);
	printf("  %-10s class right %.1f %% (as the day before %.1f %%); length off by a factor of "
	       "%.1f, height %.1f;",
		"", 100 * classed->right / classed->hours,
		100 * classed->right_day / classed->hours, exp(classed->length_off / classed->runs),
		exp(classed->height_off / classed->runs));
	for (int i = 0; i < CLASSES; i++) {
		const double *told = classed->told[i];
		double sum = told[CALM] + told[BURST] + told[SUSTAINED];
		printf(" %s %.0f %% found", classes[i], 100 * told[i] / fmax(sum, 1));
	}
	printf("\n");
}

/* ---- all of it ---- */

static bool lively(const float *y, size_t n)
{
	size_t present = 0, live = 0;
	for (size_t i = 0; i < n; i++) {
		present += isnan(y[i]) ? 0 : 1;
		live += fabs((double)y[i]) > 1e-6 ? 1 : 0;
	}
	return 2 * present > n && 10 * live > present;
}

struct set {
	const struct options *options;
	const struct table *table;
	const bool *busy; /* columns; NULL: all */
	size_t at;
};

/* The next series of a set; NULL: there are no more. */
static const float *next_series(struct set *set)
{
	const struct table *table = set->table;
	for (;;) {
		set->at += set->at ? set->options->stride : 1;
		if (set->at >= table->columns)
			return NULL;
		const float *y = table->at + set->at * table->rows;
		if (lively(y, table->rows) && (!set->busy || set->busy[set->at]))
			return y;
	}
}

static void learnt_once(const struct set *proto, int question, const char *name)
{
	size_t n = proto->table->rows;
	struct rows rows = {.cap = proto->table->columns * JULY / EACH + 1};
	rows.features = malloc(rows.cap * BURST_FEATURES * sizeof(float));
	rows.truth = malloc(rows.cap);
	struct brier brier = {0};
	struct logit logit = {.dims = BURST_FEATURES};
	if (!rows.features || !rows.truth)
		abort();
	const float *y;
	for (struct set set = *proto; (y = next_series(&set));)
		walk(y, n, question, NULL, &rows, &brier);
	struct logit_data data = {
		.rows = rows.features, .truth = rows.truth, .n = rows.count, .ridge = 1};
	if (!logit_fit(&logit, &data))
		printf("%s: no fit\n", name);
	for (struct set set = *proto; (y = next_series(&set));)
		walk(y, n, question, &logit, &rows, &brier);
	print_brier(name, &brier);
	free(rows.features);
	free(rows.truth);
}

static void lived(const struct set *proto, bool classes, const char *name)
{
	struct brier brier = {0};
	struct classed classed = {0};
	const float *y;
	for (struct set set = *proto; (y = next_series(&set));)
		if (classes)
			classify(y, proto->table->rows, &classed);
		else
			live(y, proto->table->rows, &brier);
	if (classes)
		print_classed(name, &classed);
	else
		print_brier(name, &brier);
}

enum { METRICS = 3 };

static void ask_all(const struct options *options, const struct table *tables, const bool *busy)
{
	static const char *const names[METRICS] = {"writes", "reads", "CPU"};
	static const char *const asked[QUESTIONS + 2] = {"high in 30 minutes",
		"high on the mean of the next 30 minutes", "high for all of the next 30 minutes",
		"high in 30 minutes, as a node lives", "the hours of each coming day"};
	for (int question = 0; question < QUESTIONS + 2; question++) {
		printf("%s\n", asked[question]);
		for (size_t i = 0; i < METRICS; i++) {
			const struct set set = {options, &tables[i], busy, 0};
			if (question < QUESTIONS)
				learnt_once(&set, question, names[i]);
			else
				lived(&set, question > QUESTIONS, names[i]);
		}
	}
}

bool burst_bitbrains(const struct options *options)
{
	static const char *const names[METRICS] = {"wr_kbs", "rd_kbs", "cpu_pct"};
	struct table tables[METRICS];
	bool busy[BITBRAINS_MAX] = {false};
	if (!bitbrains_busy(options, busy))
		return false;
	for (size_t i = 0; i < METRICS; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/bitbrains/%s.csv.gz", options->data, names[i]);
		if (!table_read(&tables[i], path) || tables[i].rows < AUGUST + WEEK ||
			tables[i].columns > BITBRAINS_MAX)
			return false;
	}
	printf("\n== Bursts on Bitbrains VMs, all series\n");
	ask_all(options, tables, NULL);
	printf("\n== Bursts on Bitbrains VMs, busy ones\n");
	ask_all(options, tables, busy);
	for (size_t i = 0; i < METRICS; i++)
		table_done(&tables[i]);
	return true;
}
