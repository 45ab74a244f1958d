/* SPDX-License-Identifier: Apache-2.0 */
/* Medians of short rows. */
#include "repo/alarm.h"

#include <stdlib.h>

#include "repo/head.h"

/* Six deviations; the least one that counts, in 250ths; below this share entropy says nothing. */
enum { DEVIATIONS = 6, DEVIATION_MIN = 10, CHANGED_MIN = 13 };

uint8_t share_of(uint64_t part, uint64_t whole)
{
	if (!whole)
		return SHARE_UNKNOWN;
	if (part >= whole)
		return SHARE_ALL;
	return (uint8_t)((double)part / (double)whole * SHARE_ALL);
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Twice the median, so that it is a whole number. Sorts. */
static int twice_median(int *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(count - 1) / 2] + values[count / 2];
}

bool alarm_jump(const uint8_t *row, size_t count, uint8_t now)
{
	int values[ALARM_ROW_MAX], apart[ALARM_ROW_MAX];
	if (count < ALARM_ROW_MIN || count > ALARM_ROW_MAX || now == SHARE_UNKNOWN)
		return false;
	for (size_t i = 0; i < count; i++)
		values[i] = row[i];
	int middle = twice_median(values, count);
	for (size_t i = 0; i < count; i++)
		apart[i] = abs(2 * row[i] - middle);
	double deviation = twice_median(apart, count) / 4.0 * 1.4826;
	if (deviation < DEVIATION_MIN)
		deviation = DEVIATION_MIN;
	return now > middle / 2.0 + DEVIATIONS * deviation;
}

/* What is suspicious or broken itself does not make the row. */
static bool is_of_row(const struct head_point *one, const struct head_point *point)
{
	return one->resource == point->resource && !object_id_equal(&one->id, &point->id) &&
		!(one->flags & (HEAD_POINT_SUSPICIOUS | HEAD_POINT_BROKEN));
}

bool alarm_point(const struct head *head, const struct head_point *point)
{
	uint8_t changed[ALARM_ROW_MAX], dense[ALARM_ROW_MAX];
	size_t changed_count = 0, dense_count = 0;
	for (size_t i = head->points.len; i-- > 0;) {
		const struct head_point *one = &head->points.at[i];
		if (!is_of_row(one, point))
			continue;
		if (one->changed != SHARE_UNKNOWN && changed_count < ALARM_ROW_MAX)
			changed[changed_count++] = one->changed;
		if (one->dense != SHARE_UNKNOWN && dense_count < ALARM_ROW_MAX)
			dense[dense_count++] = one->dense;
	}
	return alarm_jump(changed, changed_count, point->changed) ||
		(point->changed >= CHANGED_MIN && point->changed != SHARE_UNKNOWN &&
			alarm_jump(dense, dense_count, point->dense));
}
