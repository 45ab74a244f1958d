/* SPDX-License-Identifier: Apache-2.0 */
/* Calendars of object stores. By hand, because strptime() follows the locale. */
#include "place/s3_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t second_ns = 1000000000;

/* What no calendar holds becomes its first day. */
static void to_calendar(int64_t ns, struct tm *ret_tm)
{
	time_t seconds = ns / second_ns;
	if (!gmtime_r(&seconds, ret_tm))
		*ret_tm = (struct tm){.tm_mday = 1, .tm_year = 70};
}

const char *s3_show_stamp(int64_t ns, char text[S3_TIME])
{
	struct tm tm;
	to_calendar(ns, &tm);
	strftime(text, S3_TIME, "%Y%m%dT%H%M%SZ", &tm);
	return text;
}

const char *s3_show_time(int64_t ns, char text[S3_TIME])
{
	struct tm tm;
	to_calendar(ns, &tm);
	strftime(text, S3_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

static bool to_ns(struct tm *tm, int64_t *ret_ns)
{
	/* What an int64_t of nanoseconds holds, with room to add. */
	if (tm->tm_year < 70 || tm->tm_year > 350 || tm->tm_mon < 0 || tm->tm_mon > 11 ||
		tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_hour < 0 || tm->tm_hour > 23 ||
		tm->tm_min < 0 || tm->tm_min > 59 || tm->tm_sec < 0 || tm->tm_sec > 60)
		return false;
	*ret_ns = (int64_t)timegm(tm) * second_ns;
	return true;
}

bool s3_read_date(const char *text, int64_t *ret_ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char month[4];
	if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 ||
		strlen(month) != 3)
		return false;
	const char *found = strstr(months, month);
	if (!found || (found - months) % 3)
		return false;
	tm.tm_mon = (int)(found - months) / 3;
	tm.tm_year -= 1900;
	return to_ns(&tm, ret_ns);
}

bool s3_read_time(const char *text, int64_t *ret_ns)
{
	struct tm tm = {0};
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_mon--;
	tm.tm_year -= 1900;
	return to_ns(&tm, ret_ns);
}
