/* SPDX-License-Identifier: Apache-2.0 */
/* Gathered by series, put where nothing is known. */
#include "foresee/intake.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "series/name.h"

/* Samples between two syncs, and samples' worth of work between two looks at what is left. */
enum { BATCH = 100000, TEND_BUDGET = 1 << 22 };

static void free_series(struct intake_series *one)
{
	if (!one)
		return;
	vec_done(&one->samples);
	free(one->name);
	free(one);
}

void intake_done(struct intake *intake)
{
	map_each (entry, &intake->by_name)
		free_series(entry->value);
	map_done(&intake->by_name);
	*intake = (struct intake){0};
}

static struct intake_series *series_of(
	struct intake *intake, const struct name *name, const struct intake_how *how)
{
	char text[NAME_TEXT];
	name_text(name, text);
	struct intake_series *one = map_get(&intake->by_name, text);
	if (one || intake->by_name.live >= INTAKE_SERIES)
		return one;
	one = calloc(1, sizeof(*one));
	if (!one)
		return NULL;
	one->form = how->form;
	one->sum = how->sum;
	one->name = malloc(sizeof(*name));
	if (one->name)
		*one->name = *name;
	if (!one->name || map_put(&intake->by_name, text, one)) {
		free_series(one);
		return NULL;
	}
	return one;
}

int intake_add(struct intake *intake, const struct name *name, const struct intake_how *how,
	const struct intake_sample *sample, struct why *why)
{
	if (!isfinite(sample->value)) {
		intake->gaps++;
		return 0;
	}
	if (intake->samples >= INTAKE_SAMPLES)
		return why_set(why, -EFBIG, "more than %d samples at once", INTAKE_SAMPLES);
	bool full = intake->by_name.live >= INTAKE_SERIES;
	struct intake_series *one = series_of(intake, name, how);
	if (!one && full)
		return why_set(why, -EFBIG, "more than %d series at once", INTAKE_SERIES);
	if (!one || vec_push(&one->samples, *sample))
		return why_set(why, -ENOMEM, "out of memory");
	intake->samples++;
	return 0;
}

/* ---- putting ---- */

static int by_moment(const void *left, const void *right)
{
	const struct intake_sample *a = left, *b = right;
	return a->ms < b->ms ? -1 : a->ms > b->ms;
}

/* In order, a moment once. */
static void arrange(struct intake_series *one)
{
	struct intake_sample *at = one->samples.at;
	size_t kept = 0;
	qsort(at, one->samples.len, sizeof(*at), by_moment);
	for (size_t i = 0; i < one->samples.len; i++) {
		bool again = kept && at[kept - 1].ms == at[i].ms;
		if (again && one->sum)
			at[kept - 1].value += at[i].value;
		else if (again)
			one->put[SERIES_DUPLICATE]++;
		else
			at[kept++] = at[i];
	}
	one->samples.len = kept;
	/* Means of whoever tells no span are of the time since the one before. */
	for (size_t i = 0; i < kept; i++)
		if (one->form == INTAKE_RATE && !at[i].span_ms && kept > 1)
			at[i].span_ms = i ? at[i].ms - at[i - 1].ms : at[1].ms - at[0].ms;
}

struct putting {
	struct series *series;
	struct intake_series *one;
	uint32_t id;
	struct samples known; /* what the store had before, around the new ones */
	size_t at;            /* of known: the first one after the sample at hand */
	bool running;         /* `sum` is what the counter was at `sum_ms` */
	int64_t sum_ms;
	double sum;
};

static void putting_done(struct putting *putting)
{
	vec_done(&putting->known);
}

/* Whether the moment lies in time that the store knows. */
static bool known_time(struct putting *putting, int64_t ms)
{
	const struct samples *known = &putting->known;
	while (putting->at < known->len && known->at[putting->at].ms <= ms)
		putting->at++;
	if (!putting->at)
		return false;
	const struct sample *before = &known->at[putting->at - 1];
	return before->ms == ms ||
		(putting->at < known->len && known->at[putting->at].ms - before->ms <= RATE_GAP_MS);
}

static enum series_put put(struct putting *putting, int64_t ms, double value)
{
	enum series_put answer = series_put(putting->series, putting->id, ms, value);
	putting->one->put[answer]++;
	return answer;
}

/* Where the counter stood when the rate's span began; it begins there when nobody knows. */
static void begin_span(struct putting *putting, int64_t from_ms, int64_t span_ms)
{
	int64_t slack = span_ms / 10 > 2000 ? span_ms / 10 : 2000;
	if (putting->running && llabs(from_ms - putting->sum_ms) <= slack)
		return;
	putting->running = true;
	putting->sum_ms = from_ms;
	for (size_t i = putting->at; i-- > 0;) {
		const struct sample *known = &putting->known.at[i];
		if (known->ms > from_ms + slack)
			continue;
		if (known->ms >= from_ms - slack) {
			putting->sum = known->value;
			putting->sum_ms = known->ms;
			return;
		}
		break;
	}
	putting->sum = INTAKE_BASE;
	(void)series_put(putting->series, putting->id, from_ms, putting->sum);
}

static enum series_put put_rate(struct putting *putting, const struct intake_sample *sample)
{
	/* Beyond this no difference of a counter says anything. */
	if (sample->value < 0 || sample->span_ms <= 0 || sample->span_ms > RATE_GAP_MS) {
		putting->running = false;
		putting->one->put[SERIES_POISON]++;
		return SERIES_POISON;
	}
	begin_span(putting, sample->ms - sample->span_ms, sample->span_ms);
	/* Spans and moments are rounded apart: the rate counts for the time that passed. */
	putting->sum += sample->value * (double)(sample->ms - putting->sum_ms) / 1000;
	putting->sum_ms = sample->ms;
	return put(putting, sample->ms, putting->sum);
}

static int settle(struct series *series, struct why *why)
{
	bool more = true;
	int err = series_sync(series, why);
	while (!err && more)
		err = series_tend(series, TEND_BUDGET, &more, why);
	return err;
}

static int put_samples(struct putting *putting, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < putting->one->samples.len; i++) {
		const struct intake_sample *sample = &putting->one->samples.at[i];
		enum series_put answer;
		if (known_time(putting, sample->ms)) {
			putting->running = false;
			putting->one->put[SERIES_DUPLICATE]++;
			continue;
		}
		answer = putting->one->form == INTAKE_RATE
			? put_rate(putting, sample)
			: put(putting, sample->ms, sample->value);
		if (answer == SERIES_STOPPED || answer == SERIES_FULL)
			return why_set(why, -ENOSPC, "the store takes no more");
		if (i % BATCH == BATCH - 1)
			err = settle(putting->series, why);
	}
	return err;
}

/* Of an existing series its own kind. */
static enum series_kind kind_of(const struct series *series, const struct intake_series *one)
{
	struct series_one known;
	uint32_t id;
	if (series_find(series, one->name, &id) == 0 && series_one(series, id, &known))
		return known.kind;
	return one->form == INTAKE_GAUGE ? SERIES_GAUGE : SERIES_COUNTER;
}

static int put_one(struct series *series, struct intake_series *one, struct why *why)
{
	OWN(putting_done) struct putting putting = {.series = series, .one = one};
	if (!one->samples.len)
		return 0;
	arrange(one);
	int64_t from = one->samples.at[0].ms - RATE_GAP_MS;
	int64_t to = one->samples.at[one->samples.len - 1].ms + RATE_GAP_MS;
	int err = series_make(series, one->name, kind_of(series, one), &putting.id, why);
	if (!err)
		err = series_read(series, putting.id, from, to, &putting.known, why);
	if (!err)
		err = put_samples(&putting, why);
	return err;
}

int intake_put(struct intake *intake, struct series *series, struct why *why)
{
	map_each (entry, &intake->by_name) {
		struct intake_series *one = entry->value;
		int err = put_one(series, one, why);
		if (err)
			return err;
		vec_done(&one->samples);
	}
	intake->samples = 0;
	return settle(series, why);
}
