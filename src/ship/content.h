/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of one file as chunks: read once, cut by content, holes passed over.
 *
 * Calls block. One thread for each struct.
 */
#ifndef EBB_SHIP_CONTENT_H
#define EBB_SHIP_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/cut.h"
#include "repo/fields.h"
#include "repo/repo.h"

struct file;
struct folder;
struct pace;
struct tree_entry;
struct why;

/* Kept from file to file: room for the chunk that is read, and the table of cuts. */
struct content_reader {
	struct repo *repo; /* borrowed */
	struct cutter cutter;
	uint8_t *room; /* lent by the repository; NULL: none yet */
	uint64_t read_bytes;
	struct pace *pace; /* of reading; borrowed, NULL: none */
	/* Called between reads, for files that take long; NULL: not. */
	void (*on_read)(void *arg);
	void *arg;
};

/* What one file came to. */
struct content {
	struct digest_list digests; /* of content chunks, or of list chunks when listed */
	struct fields_out extents;  /* of data, when there are holes */
	size_t extent_count;
	bool listed;
	uint64_t size; /* as far as it could be read */
};

void content_reader_init(
	struct content_reader *reader, struct repo *repo, const uint8_t cut_key[32]);
void content_reader_done(struct content_reader *reader);

enum content_outcome {
	CONTENT_STORED,
	CONTENT_UNREADABLE, /* the source failed; why tells */
};

/*
 * Reads and stores all of a file. Negative errno when the repository fails, else an outcome. The
 * struct is filled for content_done() in any case.
 */
int content_store(struct content_reader *reader, struct folder *folder, struct file *file,
	struct content *ret_content, struct why *why);

/* Lets the entry tell this content, which it borrows. */
void content_fill(const struct content *content, struct tree_entry *entry);
void content_done(struct content *content);

/* Gives it to another holder; entries that it fills stay good. */
static inline struct content content_take(struct content *content)
{
	struct content taken = *content;
	*content = (struct content){0};
	return taken;
}

#endif
