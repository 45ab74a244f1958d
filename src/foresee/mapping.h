/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others call what we observe too: node exporter and ebb itself at a Prometheus, telegraf at
 * an InfluxDB, sysstat. One table; a thing that is not in it keeps its own name, when somebody
 * wants it.
 *
 * Any thread. Pure.
 */
#ifndef EBB_FORESEE_MAPPING_H
#define EBB_FORESEE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "foresee/intake.h"

struct name;
struct str;
struct why;

enum { FOREIGN_LABELS = 32 };

struct foreign_label {
	const char *key, *value; /* borrowed */
};

/* One series of somebody else. */
struct foreign {
	const char *metric; /* "node_disk_reads_completed_total", "diskio.reads", "disk.rkB" */
	struct foreign_label labels[FOREIGN_LABELS];
	size_t count;
};

struct mapping {
	const char *from, *from_label; /* whose value goes into to_label */
	const char *to, *to_label;
	const char *fixed[4]; /* labels and values that ours has besides */
	struct intake_how how;
	double scale, add;
	/* Series with one of these values of that label are left out. */
	const char *by, *values; /* "idle|iowait" */
};

/* NULL: it is none that we want. */
const struct mapping *mapping_find(const struct foreign *foreign);

/* The name of our series; -EINVAL: a label that cannot be one of ours. */
int mapping_name(const struct mapping *mapping, const struct foreign *foreign, struct name *ret,
	struct why *why);

/* Its own name, with letters that no metric has made '_', without the labels of the scrape. */
int mapping_own_name(const struct foreign *foreign, struct name *ret, struct why *why);

/* All metrics that begin with `start`, with '|' between them and the start taken off. */
void mapping_metrics(const char *start, struct str *out);

/* The value of a label; NULL: it has none. */
const char *foreign_value(const struct foreign *foreign, const char *key);

/* Takes a value in: as ours where it is one of ours, under its own name when `all`, else counted as
 * left out. `sample` in the foreigner's unit. */
int mapping_take(struct intake *intake, const struct foreign *foreign, bool all,
	const struct intake_sample *sample, struct why *why);

#endif
