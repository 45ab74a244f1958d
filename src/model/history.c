/* SPDX-License-Identifier: Apache-2.0 */
/* Hourly means in a ring, gaps kept. */
#include "model/history.h"

#include <math.h>

#include "base/must.h"
#include "num/array.h"

/* Beyond this a reading is a fault of its source; squares of it still fit a float. */
static const double sane = 1e18;

static size_t place(int64_t hour)
{
	return (size_t)(hour % HISTORY_HOURS);
}

static int64_t hour_of(int64_t local_s)
{
	return local_s / 3600;
}

static void close_hour(struct history *history)
{
	double mean = history->count ? history->sum / history->count : NUM_GAP;
	history->hours[place(history->next)] = (float)mean;
	history->sum = 0;
	history->count = 0;
	history->next++;
	if (history->next - history->first > HISTORY_HOURS)
		history->first = history->next - HISTORY_HOURS;
}

static bool begin(struct history *history, int64_t hour)
{
	/* Before 1970 and after the year 9999 is no time of ours. */
	if (hour < 0 || hour > INT64_C(70389528))
		return false;
	if (!history->started) {
		history->started = true;
		history->first = history->next = hour;
	}
	/* After more than all that is kept, the past is gone: start anew. */
	if (hour - history->next > HISTORY_HOURS) {
		history->first = history->next = hour;
		history->sum = 0;
		history->count = 0;
	}
	while (history->next < hour)
		close_hour(history);
	return true;
}

void history_add(struct history *history, int64_t local_s, double value)
{
	if (!(fabs(value) <= sane)) {
		history->poisoned++;
		return;
	}
	int64_t hour = hour_of(local_s);
	if ((history->started && hour < history->next) || local_s < 0) {
		history->late++;
		return;
	}
	if (!begin(history, hour)) {
		history->poisoned++;
		return;
	}
	history->sum += value;
	history->count++;
	history->negative = history->negative || value < 0;
}

void history_reach(struct history *history, int64_t local_s)
{
	int64_t hour = hour_of(local_s);
	if (history->started && hour > history->next)
		begin(history, hour);
}

size_t history_len(const struct history *history)
{
	return (size_t)(history->next - history->first);
}

double history_at(const struct history *history, int64_t hour)
{
	if (hour < history->first || hour >= history->next)
		return NUM_GAP;
	return (double)history->hours[place(hour)];
}

size_t history_copy(const struct history *history, size_t n, double *ret)
{
	must(n <= history_len(history));
	size_t present = 0;
	for (size_t i = 0; i < n; i++) {
		ret[i] = (double)history->hours[place(history->next - (int64_t)(n - i))];
		present += isnan(ret[i]) ? 0 : 1;
	}
	return present;
}

bool history_fill(const double *y, size_t n, double *ret, bool *ret_filled)
{
	size_t first = 0;
	while (first < n && isnan(y[first]))
		first++;
	if (first == n)
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_filled[i] = isnan(y[i]);
		if (!ret_filled[i])
			ret[i] = y[i];
		else if (i >= HISTORY_DAY)
			ret[i] = ret[i - HISTORY_DAY];
		else
			ret[i] = i ? ret[i - 1] : y[first];
		/* A filled day before a real week before: the real one knows more. */
		if (ret_filled[i] && i >= HISTORY_WEEK && ret_filled[i - HISTORY_DAY] &&
			!ret_filled[i - HISTORY_WEEK])
			ret[i] = ret[i - HISTORY_WEEK];
	}
	return true;
}
