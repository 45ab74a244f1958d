/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs: many blobs sealed into one object of a size that suits disks and object stores. Where one
 * blob ends and the next begins does not show from outside, nor does the pack's length tell: blobs
 * are placed in random order among those that wait, and the length is rounded.
 * FORMATS-REPOSITORY.md, "Packs".
 *
 * One thread for each struct.
 */
#ifndef EBB_CHUNK_PACK_H
#define EBB_CHUNK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"
#include "chunk/object.h"

struct key_ring;
struct opener;
struct pack_memory;
struct seal_with;
struct why;

/* Where a chunk lies. */
struct pack_entry {
	struct digest digest;
	enum chunk_kind kind;
	uint32_t segment;
	uint32_t offset; /* in the object */
	uint32_t length; /* of the sealed blob, tag included */
	uint32_t plain_length;
};

enum { PACK_DIRECTORY_ENTRY = 56, PACK_TAIL = 32, PACK_SIZE = 16 << 20 };

struct pack_writer;

struct pack_options {
	enum object_kind kind; /* OBJECT_DATA or OBJECT_META */
	struct object_id repo;
	const struct seal_with *with; /* borrowed */
	uint32_t size;                /* closed at so many bytes; 0: PACK_SIZE */
	unsigned parity_percent;
	struct pack_memory *memory; /* borrowed; NULL: its own */
	const struct key_ring
		*ring; /* borrowed; full: the pack says that one of its holders wrote */
};

/* Gives an empty writer; its object id is drawn. */
int pack_writer_new(const struct pack_options *options, struct pack_writer **ret_writer);
void pack_writer_free(struct pack_writer *writer);

/* Whether another blob of `blob_len` bytes still fits; the first one always does. */
bool pack_fits(const struct pack_writer *writer, size_t blob_len);

/* Copies a blob (see codec.h) into the pack. 0, -ENOMEM, -EIO. */
int pack_add(struct pack_writer *writer, const struct digest *digest, enum chunk_kind kind,
	const uint8_t *blob, size_t blob_len);

size_t pack_count(const struct pack_writer *writer);

/* The memory that the pack will ask for with another blob, 0: it has enough. */
size_t pack_growth(const struct pack_writer *writer, size_t blob_len);

/* The memory of a full pack. */
size_t pack_full(uint32_t size, unsigned parity_percent);

struct pack_result {
	struct object_id id;
	uint8_t *bytes; /* the whole object with parity; borrowed from the writer */
	size_t len;
	const struct pack_entry *entries; /* borrowed from the writer */
	size_t count;
};

/* Seals what waits, before the pack is closed: nothing is added afterwards. 0, -EIO. */
int pack_seal(struct pack_writer *writer);

/* After it: what pack_finish() will give, all but the bytes. Entries are borrowed. */
struct pack_result pack_sealed(const struct pack_writer *writer);

/* Closes a pack that is all sealed. On any thread: it takes no memory. */
int pack_finish(struct pack_writer *writer, struct pack_result *ret_result);

/* The object's bytes before `upto` are not looked at again. On any thread. */
void pack_spend(struct pack_writer *writer, size_t upto);

struct pack_directory {
	struct pack_entry *entries;
	size_t count;
	bool trusted; /* a holder of the full keys wrote it, and named its chunks right */
};

/*
 * Opens the directory of a whole pack (`len` counts header and body only). Gives the entries.
 * Every offset and length was checked against the object. -EBADMSG.
 */
int pack_read_directory(const uint8_t *bytes, size_t len, const struct key_ring *ring,
	struct pack_directory *ret_directory, struct why *why);

/* The same, and gives the opener of its segments. */
int pack_open(const uint8_t *bytes, size_t len, const struct key_ring *ring,
	struct pack_directory *ret_directory, struct opener **ret_opener, struct why *why);
void pack_directory_done(struct pack_directory *directory);

#endif
