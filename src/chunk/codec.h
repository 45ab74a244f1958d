/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: a chunk as it lies in a pack before sealing, compressed with zstd when that pays.
 *
 * What does not compress is found by a sample and stored as it is. Claims of length are checked
 * against the limit of the chunk's kind before memory is taken.
 *
 * A codec belongs to one thread.
 */
#ifndef EBB_CHUNK_CODEC_H
#define EBB_CHUNK_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"

struct why;

enum {
	BLOB_HEADER = 5,
	CONTENT_MAX = 8 << 20,
	CHUNK_MAX = 1 << 20, /* every other kind */
};

struct codec;

/* Gives a codec. `level` as zstd's, 0: store everything. */
int codec_new(int level, struct codec **ret_codec);
void codec_free(struct codec *codec);
void codec_set_level(struct codec *codec, int level);

/* Bytes that a blob of `len` plain bytes takes at most. */
size_t codec_bound(size_t len);

/* Writes the blob, at most codec_bound(len) bytes. */
int codec_pack(struct codec *codec, const void *plain, size_t len, uint8_t *ret_blob,
	size_t *ret_blob_len);

/*
 * The same for a chunk that lies BLOB_HEADER bytes into `room`: one that does not shrink becomes a
 * blob where it lies. Returns where the blob is, `room` or `ret_blob`.
 */
const uint8_t *codec_pack_over(
	struct codec *codec, uint8_t *room, size_t len, uint8_t *ret_blob, size_t *ret_blob_len);

/* Whether the chunk is in it as it is: it did not compress. */
bool codec_is_dense(const uint8_t *blob);

/* The plain length that a blob claims, checked against its kind. -EBADMSG. */
int codec_plain_len(enum chunk_kind kind, const uint8_t *blob, size_t blob_len, size_t *ret_len);

/* Exactly `len` bytes, the length that codec_plain_len() gave. -EBADMSG. */
int codec_unpack(
	struct codec *codec, const uint8_t *blob, size_t blob_len, void *ret_plain, size_t len);

#endif
