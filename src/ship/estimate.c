/* SPDX-License-Identifier: Apache-2.0 */
/* Samples at even distances, which double whenever there are many: some hundred, however large. */
#include "ship/estimate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/why.h"
#include "chunk/codec.h"
#include "chunk/pack.h"
#include "os/disk.h"
#include "os/files.h"

enum { FIRST_STEP = 1 << 20, SAMPLES_MANY = 256, LEVEL = 3, MEMORY_ALIGN = 4096 };

static int begin(struct estimate *e)
{
	if (e->codec)
		return 0;
	size_t room = ESTIMATE_PIECE + codec_bound(ESTIMATE_PIECE) + MEMORY_ALIGN;
	e->step = FIRST_STEP;
	e->piece = aligned_alloc(MEMORY_ALIGN, room - room % MEMORY_ALIGN);
	return e->piece ? codec_new(LEVEL, &e->codec) : -ENOMEM;
}

static int sample(struct estimate *e, struct file *file, uint64_t at, struct why *why)
{
	uint8_t *shrunk = e->piece + ESTIMATE_PIECE;
	size_t blob_len;
	ssize_t n = file_read_at(file, e->piece, ESTIMATE_PIECE - at % ESTIMATE_PIECE, at);
	if (n <= 0)
		return 0;
	e->sampled += (uint64_t)n;
	if (e->fresh)
		n = e->fresh(e->arg, at, e->piece, (size_t)n, why);
	if (n < 0)
		return (int)n;
	size_t len = (size_t)n;
	if (len && codec_pack(e->codec, e->piece, len, shrunk, &blob_len))
		blob_len = len;
	e->shrunk_to += len ? blob_len : 0;
	if (++e->samples % SAMPLES_MANY == 0)
		e->step *= 2;
	return 0;
}

int estimate_add_range(
	struct estimate *e, struct file *file, uint64_t from, uint64_t to, struct why *why)
{
	int err = begin(e);
	uint64_t start = e->read_bytes;
	e->read_bytes += to - from;
	while (!err && e->next_at < e->read_bytes) {
		uint64_t at = from + (e->next_at - start);
		at -= at % ESTIMATE_PIECE;
		err = sample(e, file, at < from ? from : at, why);
		e->next_at += e->step;
	}
	return err;
}

int estimate_add(struct estimate *e, struct folder *folder, struct file *file, uint64_t size)
{
	struct why why;
	uint64_t from, to, at = 0;
	int err = 0;
	e->files++;
	while (!err && at < size) {
		int hole = folder_data_after(folder, file, at, &from, &to);
		if (hole == -ENXIO)
			break;
		/* Where the file system cannot tell, there are none. */
		if (hole || to <= at) {
			from = at;
			to = size;
		}
		to = to < size ? to : size;
		err = from < to ? estimate_add_range(e, file, from, to, &why) : 0;
		at = to;
	}
	return err;
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
