/* SPDX-License-Identifier: Apache-2.0 */
/* Hours out of the store, midnights into refits. */
#include "foresee/feed.h"

#include <errno.h>

#include "base/own.h"
#include "base/why.h"
#include "foresee/apps.h"
#include "model/network.h"
#include "series/series.h"

/* Half an hour, so that a zone that is off by less than an hour puts an hour where most of it is.
 */
enum { MIDDLE_S = 1800, DAY_S = 86400 };

static int64_t local_middle(const struct feed *feed, int64_t hour_ms)
{
	int64_t utc_s = hour_ms / 1000 + MIDDLE_S;
	return feed->local ? feed->local(utc_s) : utc_s;
}

static int64_t local_day(const struct feed *feed, int64_t hour_ms)
{
	return local_middle(feed, hour_ms) / DAY_S;
}

static int64_t hour_of(int64_t ms)
{
	return ms - ms % HOUR_MS;
}

/* Adds what there is of [from, to). How many hours have something, or an error. */
static int add_hours(
	const struct feed *feed, const struct fed *fed, int64_t from, int64_t to, struct why *why)
{
	OWN(buckets_done) struct buckets hours = {0};
	const struct series_span span = {LEVEL_HOUR, from, to};
	int err = series_roll(feed->series, fed->id, &span, &hours, why);
	if (err)
		return err;
	vec_each (hour, &hours.rows)
		model_add(fed->model, local_middle(feed, hour->ms), hour->mean);
	return (int)hours.rows.len;
}

/* What the network says of this history; NULL: nothing. */
static const double *ask_network(const struct feed *feed, const struct fed *fed, double *ret)
{
	if (!feed->network || !network_say(feed->network, &fed->model->history, ret))
		return NULL;
	return ret;
}

static void refit(const struct feed *feed, const struct fed *fed)
{
	double guest[AHEAD_HOURS];
	if (feed->network && feed->teach)
		network_learn(feed->network, &fed->model->history);
	work_calendar(feed->work, fed->app ? &fed->app->calendar : NULL);
	(void)model_refit(fed->model, feed->work, ask_network(feed, fed, guest), feed->ahead);
}

int feed_step(
	const struct feed *feed, int64_t now_ms, struct fed *fed, bool *ret_more, struct why *why)
{
	const int64_t end = hour_of(now_ms), kept = (int64_t)HISTORY_HOURS * HOUR_MS;
	int64_t to = fed->until_ms < end - kept ? end - kept : fed->until_ms, day;
	int count;
	/* Days before the first sample are nobody's. */
	do {
		int64_t from = to;
		day = local_day(feed, from);
		while (to < end && local_day(feed, to) == day)
			to += HOUR_MS;
		count = to > from ? add_hours(feed, fed, from, to, why) : 0;
		if (count < 0)
			return count;
	} while (!count && to < end && !fed->model->history.started);
	/* A day without a sample proves nothing and teaches nothing. */
	if (count && local_day(feed, to) != day) {
		history_reach(&fed->model->history, local_middle(feed, to));
		refit(feed, fed);
	}
	fed->until_ms = to;
	*ret_more = to < end;
	return 0;
}

void feed_belong(const struct feed *feed, struct fed *fed, const char *name)
{
	fed->app = apps_of(feed->apps, name);
	fed->model->history.class = apps_prior(fed->app, name);
}

bool feed_due(const struct feed *feed, int64_t now_ms, int64_t until_ms)
{
	int64_t end = hour_of(now_ms);
	return !until_ms || (end > until_ms && local_day(feed, end) > local_day(feed, until_ms));
}

int feed_all(const struct feed *feed, int64_t now_ms, struct fed *fed, struct why *why)
{
	bool more = true;
	int err = 0;
	while (!err && more)
		err = feed_step(feed, now_ms, fed, &more, why);
	return err;
}

int feed_ahead(const struct feed *feed, int64_t now_ms, struct fed *fed, struct feed_said *ret,
	struct why *why)
{
	struct feed_said said = {.start_ms = hour_of(now_ms)};
	double guest[AHEAD_HOURS];
	history_reach(&fed->model->history, local_middle(feed, said.start_ms));
	if (!history_len(&fed->model->history)) {
		said.partial = true;
		int count = add_hours(feed, fed, said.start_ms, said.start_ms + HOUR_MS, why);
		if (count < 0)
			return count;
		said.start_ms += HOUR_MS;
		history_reach(&fed->model->history, local_middle(feed, said.start_ms));
	}
	const double *heard = ask_network(feed, fed, guest);
	work_calendar(feed->work, fed->app ? &fed->app->calendar : NULL);
	if (!model_ahead(fed->model, feed->work, heard, feed->ahead))
		return why_set(why, -ENODATA, "nothing is known of it in the last six weeks");
	*ret = said;
	return 0;
}
