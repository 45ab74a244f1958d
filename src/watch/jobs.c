/* SPDX-License-Identifier: Apache-2.0 */
/* Our own work, and the places it goes to, as series. */
#include <math.h>
#include <string.h>

#include "series/name.h"
#include "watch/watch.h"

struct label {
	const char *key, *value;
};

static void put(struct watch *watch, const struct label *label, const char *metric,
	enum series_kind kind, double value)
{
	struct name name;
	if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, label->key, label->value, NULL) == 0)
		watch_put(watch, &name, kind, value);
	else
		watch->refused++;
}

static void gauge(struct watch *watch, const struct label *label, const char *metric, double value)
{
	put(watch, label, metric, SERIES_GAUGE, value);
}

void watch_tier(struct watch *watch, const struct watch_tier *tier)
{
	const struct label label = {"tier", tier->name};
	const struct {
		const char *metric;
		double value;
	} known[] = {
		{"ebb_tier_latency_seconds", rint(tier->latency_s * 1e6) / 1e6},
		{"ebb_tier_write_bytes_per_second", rint(tier->writes)},
		{"ebb_tier_read_bytes_per_second", rint(tier->reads)},
		{"ebb_tier_size_bytes", tier->size_bytes},
		{"ebb_tier_free_bytes", tier->free_bytes},
	};
	gauge(watch, &label, "ebb_tier_reached", tier->reached);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].value >= 0)
			gauge(watch, &label, known[i].metric, known[i].value);
}

void watch_job(struct watch *watch, const struct watch_job *job)
{
	const struct label label = {"resource", job->resource};
	gauge(watch, &label, "ebb_job_running", job->running);
	gauge(watch, &label, "ebb_job_failures_in_a_row", job->failures);
	if (job->point_age_s >= 0)
		gauge(watch, &label, "ebb_point_age_seconds", job->point_age_s);
	if (!job->running)
		return;
	put(watch, &label, "ebb_job_bytes_total", SERIES_COUNTER, job->bytes);
	gauge(watch, &label, "ebb_job_limit_bytes_per_second", job->limit);
}
