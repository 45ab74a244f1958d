/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a journal's records from its file at the start, and judging where they end: well, in an
 * unfinished end, or in damage. Changes nothing.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_STORE_SCAN_H
#define EBB_STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/journal.h"

struct file;

struct scan {
	struct file *file; /* borrowed */
	const char *name;
	uint64_t size; /* of the file */
	uint64_t seed;

	/* Where reading stands; given for the first record, in the end behind the last. */
	uint64_t at;
	uint64_t sequence;
	uint64_t chain;

	bool marked; /* a mark follows the last record, and nothing else does */
};

/* 0; -EBADMSG: damaged; any error of `each`, of reading, of memory. */
int scan_records(struct scan *scan, journal_each_fn *each, void *arg, struct why *why);

#endif
