/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node remembers, opened for one call: its state folder by the configuration, its store of
 * series, and what forecasts need.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_REMEMBERED_H
#define EBB_EBB_REMEMBERED_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "foresee/apps.h"
#include "foresee/feed.h"
#include "store/head.h"

struct call;
struct file;
struct linux_world;
struct series;
struct why;
struct world;

struct remembered {
	struct linux_world *lw;
	struct world *world;
	char state[CONF_PATH_MAX + 1];
	uint8_t identity[IDENTITY_SIZE];
	struct file *lock;     /* only when it was opened to be written */
	struct series *series; /* NULL: there is none yet */
	int64_t now_ms;
	struct feed feed;
	struct apps apps; /* of the configuration; feed borrows it */
};

/*
 * Beside a running ebbd and without one; makes nothing. With `write` it belongs to this call alone,
 * and a running ebbd is an answer (EXIT_LOCKED). An exit code; what is wrong was told.
 * remembered_close() in any case.
 */
int remembered_open(const struct call *call, bool write, struct remembered *ret);
void remembered_close(struct remembered *remembered);

/*
 * The model of a series, fed until now: the one that ebbd keeps where there is one (ret_kept), else
 * one that lives through what the store has. A kept one that cannot be read is as none. 0, or what
 * reading the store answered.
 */
struct series_one;
int remembered_model(const struct remembered *remembered, const struct series_one *one,
	struct fed *fed, bool *ret_kept, struct why *why);

/* What the clock on the wall shows, as local_fn. */
int64_t remembered_local(int64_t utc_s);

/* The series that a word means: a whole name, a metric, or the value of a label; `metric` (or NULL)
 * narrows it. An exit code; when it is none or several, that was told. */
int remembered_find(const struct remembered *remembered, const char *word, const char *metric,
	uint32_t *ret_id);

#endif
