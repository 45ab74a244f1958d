/* SPDX-License-Identifier: Apache-2.0 */
/* Range after range, in pieces of a chunk. */
#include "ship/image_prove.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/pace.h"
#include "repo/point.h"
#include "ship/image_diff.h"
#include "ship/image_read.h"

struct proof {
	struct image_reader reader;
	struct file *file;
	struct pace *pace;
	uint8_t *has, *want;
	uint64_t bytes;
	int err;
	struct why *why;
};

static void proof_done(struct proof *proof)
{
	image_close(&proof->reader);
	free(proof->has);
	free(proof->want);
}

/* At most a chunk. */
static int prove_piece(struct proof *proof, uint64_t at, size_t len)
{
	pace_take(proof->pace, len);
	if (file_read_full(proof->file, proof->want, len, at))
		return 0;
	int err = image_read(&proof->reader, at, proof->has, len, proof->why);
	if (err)
		return err;
	proof->bytes += len;
	for (size_t i = 0; i < len; i++)
		if (proof->has[i] != proof->want[i])
			return why_set(proof->why, -EBADMSG,
				"byte %" PRIu64 " of the point is not what was read", at + i);
	return 0;
}

static void on_range(void *arg, uint64_t from, uint64_t to)
{
	struct proof *proof = arg;
	uint64_t size = image_size(&proof->reader);
	to = to < size ? to : size;
	while (!proof->err && from < to) {
		uint64_t end = (from / MAP_CHUNK + 1) * MAP_CHUNK;
		end = end < to ? end : to;
		proof->err = prove_piece(proof, from, (size_t)(end - from));
		from = end;
	}
}

static int prove_all(struct proof *proof)
{
	uint64_t at = 0, end, size = image_size(&proof->reader);
	while (!proof->err && at < size) {
		bool hole;
		int err = image_extent(&proof->reader, at, size, &end, &hole, proof->why);
		if (err)
			return err;
		if (!hole)
			on_range(proof, at, end);
		at = end;
	}
	return proof->err;
}

int image_prove(
	struct repo *repo, const struct image_proof *what, uint64_t *ret_bytes, struct why *why)
{
	OWN(proof_done)
	struct proof proof = {.file = what->file, .pace = what->pace, .why = why};
	const struct image_diff_options options = {.on_range = on_range, .arg = &proof};
	struct image_diff_result result;
	proof.has = malloc(MAP_CHUNK);
	proof.want = aligned_alloc(DISK_BLOCK, MAP_CHUNK);
	if (!proof.has || !proof.want)
		return -ENOMEM;
	int err = image_open(repo, &what->point->root, &proof.reader, why);
	if (!err && what->parent)
		err = image_diff(repo, what->parent, what->point, &options, &result, why);
	else if (!err)
		err = prove_all(&proof);
	err = err ? err : proof.err;
	if (!err)
		*ret_bytes = proof.bytes;
	return err;
}
