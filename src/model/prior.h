/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is believed of a quantity before its own days are known: by how far it leaves its present
 * level within hours and days, as a class of quantities does on real machines. Bands begin with
 * that, and it fades as the series' own errors come in.
 *
 * Any thread. Pure.
 */
#ifndef EBB_MODEL_PRIOR_H
#define EBB_MODEL_PRIOR_H

#include <stddef.h>

enum prior_class {
	PRIOR_LIVELY, /* network, and all that nobody knows */
	PRIOR_STEADY, /* CPU, memory, writes */
	PRIOR_WILD,   /* reads: nothing for hours, then a flood */
	PRIOR_CLASSES
};

extern const char *const prior_names[PRIOR_CLASSES];

/* By a metric's name: "ebb_disk_read_bytes_total{...". */
enum prior_class prior_of(const char *name);

/*
 * The quantile of the departure `ahead_hours` ahead, in units of the present level, both on the
 * square root scale of record.h.
 */
double prior_departure(enum prior_class class, size_t ahead_hours, double tau);

/* Days of own record that the class counts for. */
#define PRIOR_DAYS 1.0

#endif
