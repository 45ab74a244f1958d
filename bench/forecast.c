/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast [--stride N] [SET...]           the tables of docs/FORECAST.md on $EBB_DATA
 * forecast --csv FILE --step SECONDS       the hourly tables on any CSV
 *
 * Sets: m4 bitbrains near cold nab services asd volumes ett burst. Without any: all. Where
 * EBB_DATA is not set every set is counted as skipped.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/forecast.h"
#include "num/array.h"

double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
		1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double geometric(const double *x, size_t n)
{
	double sum = 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]))
			continue;
		/* A perfect forecast of one series would make all others perfect. */
		sum += log(fmax(x[i], 1e-3));
		count += 1;
	}
	return count > 0 ? exp(sum / count) : (double)NAN;
}

double middle(const double *x, size_t n)
{
	double *copy = malloc((n + 1) * sizeof(*copy));
	double median = copy ? num_median(copy, num_present(x, n, copy)) : (double)NAN;
	free(copy);
	return median;
}

static const struct {
	const char *name;
	bool (*run)(const struct options *options);
} sets[] = {
	{"m4", m4_hourly},
	{"bitbrains", hourly_bitbrains},
	{"near", near_bitbrains},
	{"cold", cold_bitbrains},
	{"nab", nab},
	{"burst", burst_bitbrains},
	{"services", hourly_services},
	{"asd", hourly_asd},
	{"volumes", hourly_volumes},
	{"ett", hourly_ett},
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static bool wanted(int argc, char **argv, int from, const char *name)
{
	for (int i = from; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return from >= argc;
}

int main(int argc, char **argv)
{
	struct options options = {.data = getenv("EBB_DATA"), .stride = 1};
	int from = 1, ran = 0, skipped = 0;
	if (argc == 5 && !strcmp(argv[1], "--csv") && !strcmp(argv[3], "--step")) {
		size_t step_s = strtoul(argv[4], NULL, 10);
		if (step_s && 3600 % step_s == 0 && hourly_csv(argv[2], step_s))
			return 0;
		fprintf(stderr, "forecast: cannot use %s with a step of %s s\n", argv[2], argv[4]);
		return 1;
	}
	if (argc > 2 && !strcmp(argv[1], "--stride")) {
		options.stride = strtoul(argv[2], NULL, 10);
		options.stride += !options.stride;
		from = 3;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < SETS; i++) {
		if (!wanted(argc, argv, from, sets[i].name))
			continue;
		double before = cpu_seconds();
		if (options.data && sets[i].run(&options)) {
			printf("%s: %.1f s CPU\n", sets[i].name, cpu_seconds() - before);
			ran++;
		} else {
			printf("%s: skipped, %s\n", sets[i].name,
				options.data ? "its files are not in EBB_DATA"
					     : "EBB_DATA is not set");
			skipped++;
		}
	}
	printf("%d sets run, %d skipped\n", ran, skipped);
	return 0;
}
