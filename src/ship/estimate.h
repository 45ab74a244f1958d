/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup would come to, from a walk and from samples of what it would read: pieces spread
 * evenly over the bytes, compressed as the backup would.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_ESTIMATE_H
#define EBB_SHIP_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct codec;
struct file;
struct folder;
struct why;

/* A sample is so long at most, and lies within so many bytes from a multiple of that on. */
enum { ESTIMATE_PIECE = 64 << 10 };

/* All zero, or with `fresh`: empty. */
struct estimate {
	uint64_t files, read_bytes;  /* new or changed: what would be read */
	uint64_t sampled, shrunk_to; /* bytes of the samples, plain and as they would be stored */
	uint64_t samples;
	uint64_t next_at, step; /* the next sample, in bytes of what would be read */
	struct codec *codec;
	uint8_t *piece; /* as memory is wanted by reads past the page cache */
	/*
	 * Leaves of a sample from byte `at` on only what is not stored already, moved together at
	 * its start. Its new length, or negative errno. NULL: all of it.
	 */
	ssize_t (*fresh)(void *arg, uint64_t at, uint8_t *piece, size_t len, struct why *why);
	void *arg;
};

/*
 * A file of a folder that would be read, all but its holes. What cannot be sampled counts as what
 * does not compress.
 */
int estimate_add(
	struct estimate *estimate, struct folder *folder, struct file *file, uint64_t size);

/* Bytes `from` to `to` of a file would be read. */
int estimate_add_range(
	struct estimate *estimate, struct file *file, uint64_t from, uint64_t to, struct why *why);

/* Bytes that would be stored, parity apart; duplicates are not found by samples. */
uint64_t estimate_stored(const struct estimate *estimate);

/* Objects that would be put: packs of content, and one each for trees, index, point and head. */
uint64_t estimate_objects(const struct estimate *estimate);
void estimate_done(struct estimate *estimate);

#endif
