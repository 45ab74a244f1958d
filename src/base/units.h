/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations and sizes as people write them. A unit is never optional: "15m", "1h30m", "250ms",
 * "64MiB", "10GB". A bare number is an error that says what to write instead.
 *
 * Any thread.
 */
#ifndef EBB_BASE_UNITS_H
#define EBB_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

struct why;

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MIN (60 * NS_PER_SEC)
#define NS_PER_HOUR (60 * NS_PER_MIN)
#define NS_PER_DAY (24 * NS_PER_HOUR)

/* ns us ms s m h d w, larger before smaller, each at most once. 0 or -EINVAL, -ERANGE. */
int units_duration(const char *text, int64_t *ret_ns, struct why *why);

/* B, kB MB GB TB PB (1000), KiB MiB GiB TiB PiB (1024). 0 or -EINVAL, -ERANGE. */
int units_size(const char *text, uint64_t *ret_bytes, struct why *why);

enum { UNITS_TEXT = 64 };

/* Exact: the functions above read the same value back, but no duration below zero. Return `text`.
 */
const char *units_show_duration(int64_t ns, char text[UNITS_TEXT]);
const char *units_show_size(uint64_t bytes, char text[UNITS_TEXT]);

/*
 * A moment in UTC as units_show_time() shows it, or its beginning: a day, an hour, a minute ...
 * With the first and the last nanosecond that it may mean. 0 or -EINVAL.
 */
int units_time(const char *text, int64_t *ret_first, int64_t *ret_last, struct why *why);

/* RFC 3339 in UTC with milliseconds, from nanoseconds since 1970. Returns `text`. */
const char *units_show_time(int64_t wall_ns, char text[UNITS_TEXT]);

#endif
