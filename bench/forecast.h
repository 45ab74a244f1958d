/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of the benchmark of forecasts; forecast.c is the program.
 *
 * One thread.
 */
#ifndef EBB_BENCH_FORECAST_H
#define EBB_BENCH_FORECAST_H

#include "bench/forecast_data.h"

struct options {
	const char *data; /* the folder laid out as in docs/FORECAST.md */
	size_t stride;    /* every so-many-th series only */
};

/* CPU seconds of this process. */
double cpu_seconds(void);

/* Geometric mean, median; both reorder nothing and skip NaN. */
double geometric(const double *x, size_t n);
double middle(const double *x, size_t n);

/*
 * Busy machines of Bitbrains, by column: all six metrics live through the test days (as all series
 * that count) and the CPU is used by more than 1 % on the mean. Half of these VMs are idle or do
 * without disk or network; on these here simple baselines err as on the selection that the targets
 * were set on, which was of "active" VMs. False: the data is not there.
 */
enum { BITBRAINS_MAX = 1024 };

bool bitbrains_busy(const struct options *options, bool ret[BITBRAINS_MAX]);

/* Each prints its tables; false: its data is not there. */
bool hourly_bitbrains(const struct options *options);
bool hourly_services(const struct options *options);
bool hourly_asd(const struct options *options);
bool hourly_volumes(const struct options *options);
bool hourly_ett(const struct options *options);
/* Any CSV: a row a step of step_s seconds, which divides an hour; the first column is ignored. */
bool hourly_csv(const char *path, size_t step_s);
bool m4_hourly(const struct options *options);
bool near_bitbrains(const struct options *options);
bool cold_bitbrains(const struct options *options);
/* Anomalies. */
bool nab(const struct options *options);
bool burst_bitbrains(const struct options *options);

#endif
