/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing objects to the repository's public key, a segment at a time, and opening them. Whoever
 * holds only the public key can write what he cannot read.
 *
 * One content key for each object, fresh; the nonce is the segment's number, which only counts up:
 * no pair of key and nonce is used twice. FORMATS-REPOSITORY.md, "Sealing".
 *
 * One thread for each sealer or opener.
 */
#ifndef EBB_CHUNK_SEAL_H
#define EBB_CHUNK_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "chunk/object.h"

struct clock;
struct dice;
struct key_ring;
struct why;

enum {
	SEAL_ENVELOPE = 88, /* behind the header */
	SEAL_BODY = OBJECT_HEADER + SEAL_ENVELOPE,
	SEAL_TAG = 16,
	SEAL_SEGMENTS_MAX = 1 << 20,
};

/* To whom an object is sealed, and where fresh keys come from. Borrows dice and clock. */
struct seal_with {
	uint32_t epoch;
	uint8_t public_key[32];
	struct dice *dice;
	struct clock *clock;
};

/* What the holder of a full ring seals with: the public key of its current epoch. */
struct seal_with seal_with_ring(
	const struct key_ring *ring, struct dice *dice, struct clock *clock);

struct sealer;
struct opener;

/* Writes the envelope that belongs behind the header and gives a sealer for its segments. */
int sealer_new(const struct object_header *header, const struct seal_with *with,
	uint8_t ret_envelope[SEAL_ENVELOPE], struct sealer **ret_sealer);
void sealer_free(struct sealer *sealer);

/*
 * Seals the next segment: `len` bytes become len + SEAL_TAG, where they lie if that is the same.
 * 0, -EIO, -EOVERFLOW after the last.
 */
int seal_segment(struct sealer *sealer, const void *plain, size_t len, uint8_t *ret_sealed);

/* The number that the next segment will have. */
uint32_t sealer_next(const struct sealer *sealer);

/*
 * From the first SEAL_BODY bytes of an object. -EBADMSG: forged, damaged or not for these keys;
 * -EACCES: these may only write.
 * Gives the opener.
 */
int opener_new(const uint8_t *start, size_t len, const struct key_ring *ring,
	struct opener **ret_opener, struct why *why);

/* Gives another one for the same object, for another thread. 0 or -ENOMEM. */
int opener_copy(const struct opener *opener, struct opener **ret_opener);
void opener_free(struct opener *opener);

/* The key epoch that an object tells in the clear. */
uint32_t seal_epoch(const uint8_t start[SEAL_BODY]);

/* `len` counts the tag. -EBADMSG: the segment is not what was sealed under this number. */
int open_segment(struct opener *opener, uint32_t number, const uint8_t *sealed, size_t len,
	uint8_t *ret_plain);

/* Objects of one segment: header, envelope, segment 0. Gives the bytes (header and body). */
int seal_whole(struct object_header *header, const struct seal_with *with, const void *plain,
	size_t len, uint8_t **ret_bytes, size_t *ret_len);
int open_whole(const uint8_t *bytes, size_t len, const struct key_ring *ring, uint8_t **ret_plain,
	size_t *ret_len, struct why *why);

#endif
