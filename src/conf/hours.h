/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hours of local days, as people write them:
 *
 *     weekdays 20:00-06:00, sat 08:00-18:00
 *     08:00-18:00 20MB, weekends 00:00-24:00 100MB         (with a limit in bytes a second)
 *
 * Days are mon tue wed thu fri sat sun, two with a dash between them, weekdays, weekends, or none:
 * all. Hours that end before they begin reach over midnight; the day is that of their begin.
 *
 * Any thread. Pure.
 */
#ifndef EBB_CONF_HOURS_H
#define EBB_CONF_HOURS_H

#include <stddef.h>
#include <stdint.h>

#include "conf/keys.h"

struct why;

enum { CONF_HOURS_MAX = 8, CONF_HOURS_TEXT = 255 };

/* A plain value. */
struct conf_hours {
	uint32_t days; /* bit 0: Monday */
	uint32_t from_min,
		until_min;    /* of the day, 1440 its end; until before from: over midnight */
	uint64_t bytes_per_s; /* 0: not at all */
};

/* For the table of keys: windows, and windows with limits. */
extern const struct conf_form conf_hours_form, conf_limits_form;

/*
 * What may not be: hours outside `allow` ("": all are allowed), in `forbid`, and those of `limit`.
 * -EINVAL: together that is more than CONF_HOURS_MAX different hours, or leaves none. The texts are
 * of the forms above, or "".
 */
int conf_hours_make(const char *allow, const char *forbid, const char *limit,
	struct conf_hours ret[CONF_HOURS_MAX], uint32_t *ret_count, struct why *why);

#endif
