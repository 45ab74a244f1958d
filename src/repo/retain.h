/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which points stay. A pure function of the points' times, resources and flags and of the rules:
 * no clock is asked, so one that goes wrong takes no point away.
 *
 * Rules count for each resource apart. A rule of periods keeps the newest point of each of its last
 * periods that have one; a point stays when any rule keeps it. The newest point of a resource
 * always stays, and so does the newest one that is not broken; held ones do, and while one of a
 * resource is suspicious all of it does. Broken points do not count for the rules.
 *
 * Any thread.
 */
#ifndef EBB_REPO_RETAIN_H
#define EBB_REPO_RETAIN_H

#include <stddef.h>
#include <stdint.h>

struct head_point;

/* Why a point stays: bits. None: it goes. */
enum retain_reason {
	RETAIN_LAST = 1,
	RETAIN_HOURLY = 2,
	RETAIN_DAILY = 4,
	RETAIN_WEEKLY = 8, /* weeks begin on Monday */
	RETAIN_MONTHLY = 16,
	RETAIN_YEARLY = 32,
	RETAIN_WITHIN = 64,
	RETAIN_HELD = 128,
	RETAIN_SUSPICIOUS = 256,
	RETAIN_NEWEST = 512,
	RETAIN_REASONS = 10,
};

/* "last", "hourly" ... of one bit. */
const char *retain_reason_name(enum retain_reason reason);

/* Seconds east of UTC at that moment. Hours are those of UTC all the same: none comes twice. */
typedef int32_t retain_zone_fn(void *arg, int64_t wall_ns);

struct retain_rules {
	uint32_t last, hourly, daily, weekly, monthly, yearly; /* 0: no such rule */
	int64_t within_ns;    /* before the newest point of the resource */
	retain_zone_fn *zone; /* in which days begin; NULL: UTC */
	void *zone_arg;
};

/* ret_reasons[i] is for points[i], in whatever order they come. 0 or -ENOMEM. */
int retain_choose(const struct head_point *points, size_t count, const struct retain_rules *rules,
	unsigned *ret_reasons);

#endif
