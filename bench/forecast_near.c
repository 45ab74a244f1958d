/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next hour in steps of five minutes: origins at every full hour of the last 14 days, errors
 * relative to those of the last value, geometric mean over series.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/forecast.h"
#include "model/near.h"
#include "num/array.h"

enum { TEST_DAYS = 14, WARM_DAYS = 14, GROUPS = 6, MOST = 4096 };

struct score {
	double mix, by[NEAR_EXPERTS];
	int group;
};

struct cost {
	double say_s, says;
};

static bool score_series(
	const float *y, size_t rows, int64_t local_s, struct score *score, struct cost *cost)
{
	size_t test = TEST_DAYS * NEAR_DAY, warm = WARM_DAYS * NEAR_DAY, present = 0, live = 0;
	if (rows < test + warm)
		return false;
	for (size_t i = rows - test; i < rows; i++) {
		present += isnan(y[i]) ? 0 : 1;
		live += fabs((double)y[i]) > 1e-6 ? 1 : 0;
	}
	struct near *near = calloc(1, sizeof(*near));
	if (!near || 2 * present < test || 10 * live < present) {
		free(near);
		return false;
	}
	double before = cpu_seconds();
	for (size_t i = rows - test - warm; i < rows; i++) {
		int64_t now = local_s + (int64_t)i * NEAR_STEP_S;
		struct near_ahead ahead;
		if (now % 3600 == 0 && near_say(near, &ahead)) {
			cost->says += 1;
			for (size_t h = 0; i >= rows - test && h < NEAR_HOUR && i + h < rows; h++) {
				double truth = (double)y[i + h];
				if (isnan(truth) || isnan(y[i - 1]))
					continue;
				score->mix += fabs(ahead.mix[h] - truth);
				for (size_t e = 0; e < NEAR_EXPERTS; e++)
					if (!isnan(ahead.by[e][h]))
						score->by[e] += fabs(ahead.by[e][h] - truth);
			}
		}
		near_add(near, now, (double)y[i]);
		near_reach(near, now + NEAR_STEP_S);
	}
	cost->say_s += cpu_seconds() - before;
	free(near);
	return score->by[NEAR_LAST] > 0;
}

static double relative(const struct score *scores, size_t count, int group, int expert)
{
	static double x[MOST];
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (group < 0 || scores[i].group == group)
			x[found++] = (expert < 0 ? scores[i].mix : scores[i].by[expert]) /
				scores[i].by[NEAR_LAST];
	return geometric(x, found);
}

bool near_bitbrains(const struct options *options)
{
	static const char *const metrics[GROUPS] = {
		"cpu_pct", "mem_kb", "rd_kbs", "wr_kbs", "rx_kbs", "tx_kbs"};
	static struct score scores[MOST];
	struct cost cost = {0};
	size_t count = 0;
	for (int g = 0; g < GROUPS; g++) {
		char path[4096];
		struct table table;
		snprintf(path, sizeof(path), "%s/bitbrains/%s.csv.gz", options->data, metrics[g]);
		if (!table_read(&table, path))
			return false;
		for (size_t c = 1; c < table.columns && count < MOST; c += options->stride) {
			struct score *score = &scores[count];
			memset(score, 0, sizeof(*score));
			score->group = g;
			count += score_series(table.at + c * table.rows, table.rows,
				(int64_t)table.first[0] + 7200, score, &cost);
		}
		table_done(&table);
	}
	printf("\n== Bitbrains VMs, the next hour in 5-minute steps, error relative to the last "
	       "value\n"
	       "%-20s",
		"");
	for (int g = 0; g < GROUPS; g++)
		printf("%8.8s", metrics[g]);
	printf("%8s%8s\n", "all", "c w r rx");
	for (int e = -1; e < (int)NEAR_EXPERTS; e++) {
		double some = 0;
		printf("%-20s", e < 0 ? "mix" : near_names[e]);
		for (int g = 0; g < GROUPS; g++) {
			double one = relative(scores, count, g, e);
			some += g == 1 || g == 5 ? 0 : one / 4;
			printf("%8.3f", one);
		}
		printf("%8.3f%8.3f\n", relative(scores, count, -1, e), some);
	}
	printf("%zu series; %.1f us CPU a forecast with its twelve samples; %zu bytes a series\n",
		count, 1e6 * cost.say_s / cost.says, sizeof(struct near));
	return true;
}
