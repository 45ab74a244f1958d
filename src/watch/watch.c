/* SPDX-License-Identifier: Apache-2.0 */
/* Putting samples, counted. */
#include "watch/watch.h"

#include "series/name.h"
#include "series/series.h"

void watch_begin(struct watch *watch, struct series *series, int64_t ms)
{
	watch->series = series;
	watch->ms = ms;
}

void watch_put(struct watch *watch, const struct name *name, enum series_kind kind, double value)
{
	uint32_t id;
	if (series_make(watch->series, name, kind, &id, NULL) ||
		series_put(watch->series, id, watch->ms, value) > SERIES_LATE)
		watch->refused++;
	else
		watch->put++;
}
