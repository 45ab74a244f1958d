/* SPDX-License-Identifier: Apache-2.0 */
/* Departures measured on 50 virtual machines of a hoster (Grid Workloads Archive, GWA-T-12). */
#include "model/prior.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *const prior_names[PRIOR_CLASSES] = {
	[PRIOR_LIVELY] = "lively", [PRIOR_STEADY] = "steady", [PRIOR_WILD] = "wild"};

enum { TAUS = 7, REACHES = 4 };

static const double taus[TAUS] = {0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975};
static const size_t reaches[REACHES] = {1, 6, 24, 168}; /* hours */

/*
 * sqrt(y) - sqrt(level) over sqrt(level), where the level is the mean of the last two hours (of the
 * last six, if that is more). Steady ones are as CPU, memory and writes together, wild ones as
 * reads, whose last quantile is cut to five levels: a band of a hundred times the load says
 * nothing.
 */
static const double table[PRIOR_CLASSES][REACHES][TAUS] = {
	[PRIOR_LIVELY] = {{-1, -0.48, -0.07, 0, 0.04, 0.37, 2.2},
		{-1, -0.62, -0.12, 0, 0.05, 0.44, 3.0}, {-1, -0.74, -0.14, 0, 0.07, 0.68, 4.5},
		{-1, -0.80, -0.22, 0, 0.10, 0.92, 5.0}},
	[PRIOR_STEADY] = {{-0.56, -0.16, -0.04, 0, 0.03, 0.13, 0.68},
		{-0.65, -0.19, -0.05, 0, 0.04, 0.16, 0.85},
		{-0.78, -0.22, -0.06, 0, 0.05, 0.20, 1.1},
		{-0.83, -0.26, -0.08, 0, 0.07, 0.27, 2.0}},
	[PRIOR_WILD] = {{-1, -0.97, -0.47, -0.02, 0.07, 1.2, 5},
		{-1, -0.97, -0.53, -0.01, 0.18, 1.7, 5}, {-1, -0.98, -0.58, -0.02, 0.18, 1.7, 5},
		{-1, -0.98, -0.62, -0.02, 0.19, 1.8, 5}},
};

enum prior_class prior_of(const char *name)
{
	static const struct {
		const char *word;
		enum prior_class class;
	} words[] = {{"cpu", PRIOR_STEADY}, {"memory", PRIOR_STEADY}, {"mem_", PRIOR_STEADY},
		{"writ", PRIOR_STEADY}, {"fill", PRIOR_STEADY}, {"used", PRIOR_STEADY},
		{"read", PRIOR_WILD}};
	char metric[128];
	size_t len = strcspn(name, "{");
	if (len >= sizeof(metric))
		len = sizeof(metric) - 1;
	memcpy(metric, name, len);
	metric[len] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(metric, words[i].word))
			return words[i].class;
	return PRIOR_LIVELY;
}

static double at_tau(const double *row, double tau)
{
	size_t i = 0;
	while (i + 2 < TAUS && taus[i + 1] < tau)
		i++;
	/* Beyond the outermost the line goes on. */
	double share = (tau - taus[i]) / (taus[i + 1] - taus[i]);
	return row[i] + share * (row[i + 1] - row[i]);
}

double prior_departure(enum prior_class class, size_t ahead_hours, double tau)
{
	size_t i = 0;
	while (i + 1 < REACHES && reaches[i] < ahead_hours)
		i++;
	return at_tau(table[class][i], tau);
}
