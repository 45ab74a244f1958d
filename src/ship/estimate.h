/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup would come to, from a walk and from samples of what it would read: pieces spread
 * evenly over the bytes, compressed as the backup would.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_ESTIMATE_H
#define EBB_SHIP_ESTIMATE_H

#include <stdint.h>

struct codec;
struct file;

/* All zero: empty. */
struct estimate {
	uint64_t files, read_bytes;  /* new or changed: what would be read */
	uint64_t sampled, shrunk_to; /* bytes of the samples, plain and compressed */
	uint64_t samples;
	uint64_t next_at, step; /* the next sample, in bytes of what would be read */
	struct codec *codec;
	uint8_t *piece;
};

/* A file that would be read. What cannot be sampled counts as what does not compress. */
int estimate_add(struct estimate *estimate, struct file *file, uint64_t size);

/* Bytes that would be stored, parity apart; duplicates are not found by samples. */
uint64_t estimate_stored(const struct estimate *estimate);

/* Objects that would be put: packs of content, and one each for trees, index, point and head. */
uint64_t estimate_objects(const struct estimate *estimate);
void estimate_done(struct estimate *estimate);

#endif
