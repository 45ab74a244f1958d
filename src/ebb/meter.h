/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long command is: rate, and when it will be done, from how much there was the last time.
 * A terminal gets one line, a log a line each half minute, programs a line of JSON each second; all
 * on standard error. SIGUSR1 asks for one now.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_METER_H
#define EBB_EBB_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"

struct backup_progress;
struct call;
struct clock;
struct keep;

enum meter_mode { METER_NONE, METER_TTY, METER_PLAIN, METER_JSON };

struct meter {
	struct clock *clock;
	enum meter_mode mode;
	int64_t began_ns, next_ns;
	int64_t asked_ns;        /* when it was last looked whether somebody asks */
	uint64_t expected_bytes; /* of the source, by the last job; 0: not known */
	bool shown;              /* a line stands on the terminal */
};

struct meter_now {
	uint64_t entries, bytes; /* seen so far */
	uint64_t moved_bytes;    /* of them, read or written */
	const char *path;        /* where it is; NULL: not told */
};

/* What --progress says; from here on SIGUSR1 is ours. An exit code. */
int meter_begin(const struct call *call, struct keep *keep, struct meter *ret_meter);

/* How much there was when a job like this last ended well. */
void meter_expect(struct meter *meter, struct keep *keep, const struct catalog_job *like);

void meter_tick(struct meter *meter, const struct meter_now *now);

/* The same, and what went wrong with one entry, for the options of a source; `meter` is one. */
void meter_on_backup(void *meter, const struct backup_progress *now);
void meter_on_trouble(void *meter, const char *path, const char *what);

/* Before anything else is printed. */
void meter_clear(struct meter *meter);

#endif
