/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How honest bands are when little is known: a series is cut so that it begins one hour, six hours,
 * a day, three days ... before a midnight, and the next day is forecast. Beside it the quantiles of
 * all that was seen.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/forecast.h"
#include "model/model.h"
#include "num/array.h"

enum { DAY = 24, STEPS_HOUR = 12, AGES = 7, ORIGINS = 6 };

static const size_t ages[AGES] = {1, 6, 24, 72, 168, 336, 672};

struct cold {
	double hours, in_80, in_95, seen_80, seen_95;
	double *ratio; /* pinball over that of what was seen, by series */
	size_t count;
};

struct one {
	double own, seen;
};

static double pinball(double truth, double quantile, double tau)
{
	double off = truth - quantile;
	return off > 0 ? tau * off : (tau - 1) * off;
}

static void score(
	struct cold *cold, const struct ahead *ahead, const float *y, size_t age, struct one *one)
{
	double seen[672], quantile[AHEAD_QUANTILES];
	size_t count = 0;
	for (size_t h = 1; h <= age; h++)
		if (!isnan(*(y - h)))
			seen[count++] = (double)*(y - h);
	num_sort(seen, count);
	for (size_t i = 0; i < AHEAD_QUANTILES; i++)
		quantile[i] = num_quantile(seen, count, ahead_taus[i]);
	for (size_t h = 0; h < DAY; h++) {
		double truth = (double)y[h];
		const double *own = ahead->quantile[h];
		if (isnan(truth))
			continue;
		cold->hours += 1;
		cold->in_80 += truth >= own[1] && truth <= own[5];
		cold->in_95 += truth >= own[0] && truth <= own[6];
		cold->seen_80 += truth >= quantile[1] && truth <= quantile[5];
		cold->seen_95 += truth >= quantile[0] && truth <= quantile[6];
		for (size_t i = 0; i < AHEAD_QUANTILES; i++) {
			one->own += pinball(truth, own[i], ahead_taus[i]);
			one->seen += pinball(truth, quantile[i], ahead_taus[i]);
		}
	}
}

static bool forecast(
	const float *y, size_t age, enum prior_class class, struct work *work, struct ahead *ahead)
{
	struct model *model = model_new();
	bool said = false;
	if (!model)
		abort();
	model->history.class = class;
	for (size_t h = age; h > 0; h--) {
		int64_t local_s = (int64_t)(1000 * DAY - h) * 3600;
		if (h % DAY == 0 && h < age)
			model_refit(model, work, NULL, ahead);
		if (!isnan(*(y - h)))
			model_add(model, local_s, (double)*(y - h));
		history_reach(&model->history, local_s + 3600);
	}
	said = model_refit(model, work, NULL, ahead);
	model_free(model);
	return said;
}

static void series(struct cold *colds, const float *y, size_t hours, enum prior_class class)
{
	struct work *work = work_new();
	struct ahead *ahead = malloc(sizeof(*ahead));
	if (!work || !ahead)
		abort();
	for (size_t a = 0; a < AGES; a++) {
		struct one one = {0};
		for (size_t o = 0; o < ORIGINS; o++) {
			const float *at = y + (hours / DAY - 2 - o * 4) * DAY;
			if (forecast(at, ages[a], class, work, ahead))
				score(&colds[a], ahead, at, ages[a], &one);
		}
		if (one.seen > 0)
			colds[a].ratio[colds[a].count++] = one.own / one.seen;
	}
	free(ahead);
	work_free(work);
}

static bool lively(const float *y, size_t n)
{
	size_t live = 0;
	for (size_t i = 0; i < n; i++)
		live += fabs((double)y[i]) > 1e-6;
	return 4 * live > n;
}

bool cold_bitbrains(const struct options *options)
{
	static const char *const names[] = {
		"cpu_pct", "mem_kb", "rd_kbs", "wr_kbs", "rx_kbs", "tx_kbs"};
	static const char *const metrics[] = {"cpu", "memory", "read", "written", "net", "net"};
	struct cold colds[AGES] = {0};
	for (size_t a = 0; a < AGES; a++)
		colds[a].ratio = calloc(6 * 1024, sizeof(double));
	for (size_t m = 0; m < 6; m++) {
		char path[4096];
		struct table table;
		snprintf(path, sizeof(path), "%s/bitbrains/%s.csv.gz", options->data, names[m]);
		if (!table_read(&table, path))
			return false;
		size_t hours = table.rows / STEPS_HOUR;
		float *y = malloc(hours * sizeof(*y));
		/* The classes were measured on columns 1, 5, 9 ...: those are left out. */
		for (size_t c = 3; y && c < table.columns; c += 4 * options->stride) {
			table_means(&table, c, STEPS_HOUR, y);
			if (hours > 60 * DAY && lively(y + hours - 60 * DAY, 60 * DAY))
				series(colds, y, hours, prior_of(metrics[m]));
		}
		free(y);
		table_done(&table);
	}
	printf("\n== When little is known (Bitbrains, next 24 h): share inside the bands; pinball "
	       "over that of the quantiles of all that was seen\n%-10s%8s%8s%12s%12s%10s\n",
		"known for", "80 %", "95 %", "seen: 80 %", "95 %", "pinball");
	for (size_t a = 0; a < AGES; a++) {
		const struct cold *cold = &colds[a];
		printf("%6zu h  %8.3f%8.3f%12.3f%12.3f%10.3f\n", ages[a], cold->in_80 / cold->hours,
			cold->in_95 / cold->hours, cold->seen_80 / cold->hours,
			cold->seen_95 / cold->hours, middle(cold->ratio, cold->count));
		free(cold->ratio);
	}
	return true;
}
