/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes into a file that is restored, gathered into long writes that go past the page cache: what
 * comes back is not pushed through memory that others use.
 *
 * One thread for each struct. All zeros is one that pours nothing.
 */
#ifndef EBB_SHIP_POUR_H
#define EBB_SHIP_POUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

struct pour {
	struct file *file; /* borrowed; NULL: none is poured into */
	uint8_t *bytes;    /* kept from file to file */
	uint64_t base;     /* where bytes[0] belongs */
	size_t from, to;   /* what is in it */
	bool gathers;      /* else bytes are written as they come */
};

/* From now on into this file, of that size. What went into another is in it. */
void pour_begin(struct pour *pour, struct file *file, uint64_t size);

/* All of them, sooner or later: 0 or a negative errno, which may be that of earlier bytes. */
int pour_write(struct pour *pour, const uint8_t *bytes, size_t len, uint64_t at);

/* What was gathered is in the file, and the file let go. */
int pour_end(struct pour *pour);
void pour_done(struct pour *pour);

#endif
