/* SPDX-License-Identifier: Apache-2.0 */
/* zstd, and the sample that spares it what cannot shrink. */
#include "chunk/codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/must.h"

enum { STORED = 0, ZSTD = 1 };

/* Of chunks above SAMPLE_FROM bytes three pieces are tried first at the fastest level. */
enum { SAMPLE_FROM = 64 << 10, SAMPLE_PIECE = 4 << 10, SAMPLE_PIECES = 3, SAMPLE_LEVEL = -5 };

struct codec {
	int level;
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
};

int codec_new(int level, struct codec **ret_codec)
{
	struct codec *codec = calloc(1, sizeof(*codec));
	if (!codec)
		return -ENOMEM;
	codec->level = level;
	codec->pack = ZSTD_createCCtx();
	codec->unpack = ZSTD_createDCtx();
	if (!codec->pack || !codec->unpack) {
		codec_free(codec);
		return -ENOMEM;
	}
	*ret_codec = codec;
	return 0;
}

void codec_set_level(struct codec *codec, int level)
{
	codec->level = level;
}

void codec_free(struct codec *codec)
{
	if (!codec)
		return;
	ZSTD_freeCCtx(codec->pack);
	ZSTD_freeDCtx(codec->unpack);
	free(codec);
}

size_t codec_bound(size_t len)
{
	return BLOB_HEADER + len; /* what does not shrink is stored */
}

/* Does a sample of the chunk shrink by at least a thirty-second? */
static bool promising(struct codec *codec, const uint8_t *plain, size_t len)
{
	uint8_t sample[SAMPLE_PIECE * SAMPLE_PIECES], out[ZSTD_COMPRESSBOUND(sizeof(sample))];
	if (len < SAMPLE_FROM)
		return true;
	for (size_t i = 0; i < SAMPLE_PIECES; i++) {
		size_t at = (len - SAMPLE_PIECE) / (SAMPLE_PIECES - 1) * i;
		memcpy(sample + i * SAMPLE_PIECE, plain + at, SAMPLE_PIECE);
	}
	size_t n = ZSTD_compressCCtx(
		codec->pack, out, sizeof(out), sample, sizeof(sample), SAMPLE_LEVEL);
	return ZSTD_isError(n) || n < sizeof(sample) - sizeof(sample) / 32;
}

/* Bytes of the blob, 0: the chunk does not shrink. */
static size_t try_pack(struct codec *codec, const uint8_t *plain, size_t len, uint8_t *blob)
{
	if (!codec->level || !len || !promising(codec, plain, len))
		return 0;
	size_t n = ZSTD_compressCCtx(
		codec->pack, blob + BLOB_HEADER, len, plain, len, codec->level);
	/* An error here means that it would not fit into `len` bytes: no gain. */
	if (ZSTD_isError(n) || n >= len)
		return 0;
	blob[0] = ZSTD;
	put_le32(blob + 1, (uint32_t)len);
	return BLOB_HEADER + n;
}

const uint8_t *codec_pack_over(
	struct codec *codec, uint8_t *room, size_t len, uint8_t *ret_blob, size_t *ret_blob_len)
{
	must(len <= CONTENT_MAX);
	*ret_blob_len = try_pack(codec, room + BLOB_HEADER, len, ret_blob);
	if (*ret_blob_len)
		return ret_blob;
	room[0] = STORED;
	put_le32(room + 1, (uint32_t)len);
	*ret_blob_len = BLOB_HEADER + len;
	return room;
}

int codec_pack(
	struct codec *codec, const void *plain, size_t len, uint8_t *ret_blob, size_t *ret_blob_len)
{
	if (len > CONTENT_MAX)
		return -EOVERFLOW;
	*ret_blob_len = try_pack(codec, plain, len, ret_blob);
	if (*ret_blob_len)
		return 0;
	ret_blob[0] = STORED;
	put_le32(ret_blob + 1, (uint32_t)len);
	if (len)
		memcpy(ret_blob + BLOB_HEADER, plain, len);
	*ret_blob_len = BLOB_HEADER + len;
	return 0;
}

bool codec_is_dense(const uint8_t *blob)
{
	return blob[0] == STORED;
}

int codec_plain_len(enum chunk_kind kind, const uint8_t *blob, size_t blob_len, size_t *ret_len)
{
	if (blob_len < BLOB_HEADER || blob[0] > ZSTD)
		return -EBADMSG;
	size_t len = get_le32(blob + 1);
	if (len > (kind == CHUNK_CONTENT ? CONTENT_MAX : CHUNK_MAX))
		return -EBADMSG;
	if (blob[0] == STORED && len != blob_len - BLOB_HEADER)
		return -EBADMSG;
	*ret_len = len;
	return 0;
}

int codec_unpack(
	struct codec *codec, const uint8_t *blob, size_t blob_len, void *ret_plain, size_t len)
{
	if (blob[0] == STORED) {
		if (len)
			memcpy(ret_plain, blob + BLOB_HEADER, len);
		return 0;
	}
	size_t n = ZSTD_decompressDCtx(
		codec->unpack, ret_plain, len, blob + BLOB_HEADER, blob_len - BLOB_HEADER);
	return ZSTD_isError(n) || n != len ? -EBADMSG : 0;
}
