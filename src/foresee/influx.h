/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InfluxDB's line protocol, as telegraf writes it and `influx_inspect export` gives it:
 *
 *     diskio,host=a,name=sda reads=120i,writes=7i 1700000000000000000
 *
 * A moment is in ns, us, ms or s since 1970, told apart by its size, and must be there. What is no
 * number (text) is left out. A mistake is refused with file and line, and then nothing counts.
 *
 * Any thread. Pure.
 */
#ifndef EBB_FORESEE_INFLUX_H
#define EBB_FORESEE_INFLUX_H

#include <stddef.h>

#include "foresee/intake.h"

struct why;

struct influx_options {
	const char *name;  /* of the file, for messages */
	const char *host;  /* the tag `host`; NULL: there is one */
	const char *match; /* this measurement, under its own name; NULL: what is ours */
};

/* `text` is changed; a NUL stands behind its `len` bytes. -EINVAL, -ENOMEM, -EFBIG. */
int influx_read(const struct influx_options *options, char *text, size_t len, struct intake *intake,
	struct why *why);

#endif
