/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days and hours that are not as others, as a person says it: events with ";" between,
 *
 *     month-end 08:00-20:00; dec-24..dec-26; sun 02:00-06:00 x0.1; 2027-03-01 x3
 *
 * each of days, hours (all of the day unless said) and what is expected of the load then (what
 * stood in the history unless said): x3 is three times as much as otherwise, x0 nothing.
 *
 *     month-end, month-start, quarter-end, year-end     the last, or first, day of it
 *     month-end-workday                                 the last from Monday to Friday
 *     day-15                                            of each month
 *     mon .. sun, weekdays, weekends, daily             each week
 *     dec-24, dec-24..jan-02                            each year
 *     2027-03-01, 2027-03-01..2027-03-05                once
 *
 * An hour belongs to the first event that holds at least half of it. Time is local.
 *
 * Any thread. Pure.
 */
#ifndef EBB_CALENDAR_CALENDAR_H
#define EBB_CALENDAR_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { CALENDAR_EVENTS = 16, CALENDAR_TEXT = 1024, CALENDAR_DAY_MINUTES = 24 * 60 };

enum calendar_days {
	CALENDAR_MONTH_END,
	CALENDAR_MONTH_START,
	CALENDAR_QUARTER_END,
	CALENDAR_YEAR_END,
	CALENDAR_MONTH_END_WORKDAY,
	CALENDAR_DAY_OF_MONTH, /* `from` */
	CALENDAR_WEEK,         /* bits of `from`: 1 is Monday */
	CALENDAR_YEARLY,       /* from .. to: month * 100 + day; may run over the year's end */
	CALENDAR_ONCE,         /* from .. to: days since 1970 */
};

struct calendar_event {
	enum calendar_days days;
	int32_t from, to;
	int32_t begin_min, end_min; /* of the day */
	double times;               /* what is expected; negative: not said */
};

struct calendar {
	size_t count;
	struct calendar_event at[CALENDAR_EVENTS];
};

/* 0, or -EINVAL with what to write instead, and in ret_at the offset of the word in question. */
int calendar_parse(const char *text, struct calendar *ret, size_t *ret_at, struct why *why);

/* The event that an hour (since 1970, local) belongs to; -1: none. */
int calendar_at(const struct calendar *calendar, int64_t hour);

#endif
