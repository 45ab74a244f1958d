/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 64 bytes with which every file begins (docs/FORMATS.md, "The head"): what it is, in which
 * version, and whose. No I/O.
 *
 * Any thread.
 */
#ifndef EBB_STORE_HEAD_H
#define EBB_STORE_HEAD_H

#include <stddef.h>
#include <stdint.h>

struct why;

enum { HEAD_SIZE = 64, HEAD_MAGIC = 8, IDENTITY_SIZE = 16 };

/* What the owner of a file says about it, and expects to find. */
struct label {
	char kind[4]; /* letters or digits, no NUL */
	uint32_t version;
	uint8_t identity[IDENTITY_SIZE]; /* all zero when reading: whoever's it is */
};

struct head {
	const char *magic; /* HEAD_MAGIC letters */
	struct label label;
	uint64_t first, second; /* by layout: the numbers at 40 and 48 */
	uint64_t checksum;      /* as found or put */
};

/* Writes the head, its checksum included, and stores that in head->checksum too. */
void file_head_put(struct head *head, uint8_t bytes[HEAD_SIZE]);

/*
 * Reads what stands in the `len` bytes (more than HEAD_SIZE are fine) and compares it with the
 * magic and label of `want`; `name` is for the text. 0; -EBADMSG: damaged, or another file than
 * expected; -ENOTSUP: written by a newer program. ret_head->label is the one found.
 */
int file_head_get(const struct head *want, const char *name, const uint8_t *bytes, size_t len,
	struct head *ret_head, struct why *why);

#endif
