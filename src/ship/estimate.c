/* SPDX-License-Identifier: Apache-2.0 */
/* Samples at even distances, which double whenever there are many: some hundred, however large. */
#include "ship/estimate.h"

#include <errno.h>
#include <stdlib.h>

#include "chunk/codec.h"
#include "chunk/pack.h"
#include "os/disk.h"

enum { PIECE = 64 << 10, FIRST_STEP = 1 << 20, SAMPLES_MANY = 256, LEVEL = 3 };

static int begin(struct estimate *e)
{
	if (e->codec)
		return 0;
	e->step = FIRST_STEP;
	e->piece = malloc(PIECE + codec_bound(PIECE));
	return e->piece ? codec_new(LEVEL, &e->codec) : -ENOMEM;
}

static void sample(struct estimate *e, struct file *file, uint64_t at)
{
	size_t blob_len;
	ssize_t n = file_read_at(file, e->piece, PIECE, at);
	if (n <= 0)
		return;
	size_t len = (size_t)n;
	if (codec_pack(e->codec, e->piece, len, e->piece + PIECE, &blob_len))
		blob_len = len;
	e->sampled += len;
	e->shrunk_to += blob_len;
	if (++e->samples % SAMPLES_MANY == 0)
		e->step *= 2;
}

int estimate_add(struct estimate *e, struct file *file, uint64_t size)
{
	int err = begin(e);
	if (err)
		return err;
	uint64_t start = e->read_bytes;
	e->files++;
	e->read_bytes += size;
	while (e->next_at < e->read_bytes) {
		sample(e, file, e->next_at - start);
		e->next_at += e->step;
	}
	return 0;
}

uint64_t estimate_stored(const struct estimate *e)
{
	if (!e->sampled)
		return e->read_bytes;
	return (uint64_t)((double)e->read_bytes * (double)e->shrunk_to / (double)e->sampled);
}

uint64_t estimate_objects(const struct estimate *e)
{
	return estimate_stored(e) / PACK_SIZE + (e->files ? 5 : 2);
}

void estimate_done(struct estimate *e)
{
	codec_free(e->codec);
	free(e->piece);
	*e = (struct estimate){0};
}
