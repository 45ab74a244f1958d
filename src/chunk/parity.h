/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-repair: Reed-Solomon parity (ISA-L) behind the header and body of every object, and the
 * checksums that tell which part is damaged. Without keys: whoever holds the place can check and
 * repair, and what was repaired still has to pass seals and digests.
 * FORMATS-REPOSITORY.md, "Parity".
 *
 * Any thread.
 */
#ifndef EBB_CHUNK_PARITY_H
#define EBB_CHUNK_PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/object.h"

struct why;

enum { PARITY_PERCENT_MAX = 100 };

/* Bytes that parity adds to header and body of `len` bytes. */
size_t parity_size(size_t len, unsigned percent);

/*
 * Computes what follows header and body. `bytes` holds `len` bytes and has room for
 * parity_size() more.
 */
int parity_add(uint8_t *bytes, size_t len, unsigned percent, const struct object_id *id);

/* Whose parity it is by its end marks, for an object whose name does not say. -EBADMSG. */
int parity_whose(const uint8_t *bytes, size_t len, struct object_id *ret_id);

struct parity_report {
	size_t length;      /* of header and body */
	unsigned shards;    /* all */
	unsigned damaged;   /* of them, before the repair */
	bool marks_damaged; /* the copies of end mark or table differed */
};

/*
 * Checks the object as it was read (`len` bytes, all of it) and rebuilds damaged shards in place.
 * 0: whole, or whole again: report->damaged tells. -EBADMSG: too much is damaged, or what marks the
 * parity is gone; the bytes are as they were.
 */
int parity_repair(uint8_t *bytes, size_t len, const struct object_id *id,
	struct parity_report *ret_report, struct why *why);

#endif
