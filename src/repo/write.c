/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: chunks into packs, and packs to the place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/why.h"
#include "os/crew.h"
#include "os/loop.h"
#include "place/place.h"
#include "repo/inner.h"

static int open_pack(struct repo *repo, int stream)
{
	struct pack_options options = {
		.kind = stream == STREAM_DATA ? OBJECT_DATA : OBJECT_META,
		.repo = repo->id,
		.with = &repo->with,
		.size = repo->pack_size,
		.parity_percent = repo->parity_percent,
	};
	return pack_writer_new(&options, &repo->open[stream]);
}

/* Closes a stream's pack, puts it to the place, and only then tells the index. */
static int close_pack(struct repo *repo, int stream, struct why *why)
{
	struct pack_writer *writer = repo->open[stream];
	struct pack_result pack;
	char name[OBJECT_NAME];
	uint32_t number;
	struct index_pack known = {.kind = stream == STREAM_DATA ? OBJECT_DATA : OBJECT_META};
	if (!writer)
		return 0;
	int err = pack_finish(writer, &pack);
	if (err)
		return why_errno(why, err, "closing a pack");
	known.id = pack.id;
	object_name(known.kind, &known.id, name);
	err = place_put(repo->world.place, name, pack.bytes, pack.len, why);
	if (!err)
		err = index_add_pack(&repo->index, &known, &number);
	for (size_t i = 0; !err && i < pack.count; i++)
		err = index_add(&repo->index, number, &pack.entries[i]);
	if (err)
		return err;
	repo->written.written_bytes += pack.len;
	pack_writer_free(writer);
	repo->open[stream] = NULL;
	/* With both streams closed nothing waits; with one, what it holds is known twice, at worst.
	 */
	if (!repo->open[STREAM_DATA] && !repo->open[STREAM_META])
		index_done(&repo->pending);
	return 0;
}

/* Remembers a chunk that waits in an open pack, so that it is not stored twice. */
static int note_pending(struct repo *repo, const struct digest *digest, enum chunk_kind kind)
{
	struct pack_entry entry = {.digest = *digest, .kind = kind};
	return index_add(&repo->pending, 0, &entry);
}

static int add_blob(struct repo *repo, enum chunk_kind kind, const struct digest *digest,
	const uint8_t *blob, size_t len, struct why *why)
{
	int stream = kind == CHUNK_CONTENT || kind == CHUNK_BLOCKS ? STREAM_DATA : STREAM_META;
	int err = 0;
	if (repo->open[stream] && !pack_fits(repo->open[stream], len))
		err = close_pack(repo, stream, why);
	if (err)
		return err;
	if (!repo->open[stream])
		err = open_pack(repo, stream);
	if (!err)
		err = pack_add(repo->open[stream], digest, kind, blob, len);
	/* Closing a pack above may have forgotten what waits. */
	if (!err)
		err = note_pending(repo, digest, kind);
	return err ? why_errno(why, err, "storing a chunk") : 0;
}

/* ---- compressing, by the crew where there is one ---- */

/* One chunk with room for its blob. Small ones are not worth the way to another thread. */
struct squeeze {
	struct task task;
	struct codec *codec;
	struct digest digest;
	enum chunk_kind kind;
	uint8_t *plain, *blob;
	size_t len, blob_len, cap;
	int err;
	bool out;
};

enum { SQUEEZES_PER_HAND = 3, SQUEEZE_FROM = 4096 };

static void squeeze_work(struct task *task)
{
	struct squeeze *squeeze = container_of(task, struct squeeze, task);
	squeeze->err = codec_pack(
		squeeze->codec, squeeze->plain, squeeze->len, squeeze->blob, &squeeze->blob_len);
}

static int make_squeezes(struct repo *repo)
{
	unsigned count = crew_hands(repo->world.crew) * SQUEEZES_PER_HAND;
	repo->squeezes = calloc(count, sizeof(*repo->squeezes));
	if (!repo->squeezes)
		return -ENOMEM;
	repo->squeeze_count = count;
	for (unsigned i = 0; i < count; i++) {
		repo->squeezes[i].task.work = squeeze_work;
		int err = codec_new(repo->level, &repo->squeezes[i].codec);
		if (err)
			return err;
	}
	return 0;
}

static int squeeze_reserve(struct squeeze *squeeze, size_t len)
{
	if (len <= squeeze->cap)
		return 0;
	free(squeeze->plain);
	free(squeeze->blob);
	squeeze->cap = 0;
	squeeze->plain = malloc(len);
	squeeze->blob = malloc(codec_bound(len));
	if (!squeeze->plain || !squeeze->blob)
		return -ENOMEM;
	squeeze->cap = len;
	return 0;
}

/* Waits for one that the crew is done with. */
static struct squeeze *take_back(struct repo *repo)
{
	struct task *task = crew_take(repo->world.crew);
	struct squeeze *squeeze = container_of(task, struct squeeze, task);
	squeeze->out = false;
	repo->squeezes_out--;
	return squeeze;
}

/* Waits for one, and puts its blob where it belongs. */
static int finish_one(struct repo *repo, struct squeeze **ret_free, struct why *why)
{
	struct squeeze *squeeze = take_back(repo);
	*ret_free = squeeze;
	if (squeeze->err)
		return why_errno(why, squeeze->err, "compressing a chunk");
	return add_blob(
		repo, squeeze->kind, &squeeze->digest, squeeze->blob, squeeze->blob_len, why);
}

static int finish_all(struct repo *repo, struct why *why)
{
	struct squeeze *free_one;
	int err = 0;
	while (!err && repo->squeezes_out)
		err = finish_one(repo, &free_one, why);
	return err;
}

void repo_drop_squeezes(struct repo *repo)
{
	while (repo->squeezes_out)
		take_back(repo);
	for (unsigned i = 0; i < repo->squeeze_count; i++) {
		codec_free(repo->squeezes[i].codec);
		free(repo->squeezes[i].plain);
		free(repo->squeezes[i].blob);
	}
	free(repo->squeezes);
	repo->squeezes = NULL;
	repo->squeeze_count = 0;
}

static int find_free(struct repo *repo, struct squeeze **ret_free, struct why *why)
{
	int err = repo->squeezes ? 0 : make_squeezes(repo);
	if (err)
		return why_errno(why, err, "making room for compression");
	if (repo->squeezes_out == repo->squeeze_count)
		return finish_one(repo, ret_free, why);
	unsigned i = 0;
	while (repo->squeezes[i].out)
		i++;
	*ret_free = &repo->squeezes[i];
	return 0;
}

static int give_to_crew(
	struct repo *repo, const struct squeeze *chunk, const void *bytes, struct why *why)
{
	struct squeeze *squeeze;
	int err = find_free(repo, &squeeze, why);
	if (!err)
		err = squeeze_reserve(squeeze, chunk->len);
	if (err)
		return err;
	squeeze->digest = chunk->digest;
	squeeze->kind = chunk->kind;
	squeeze->len = chunk->len;
	memcpy(squeeze->plain, bytes, chunk->len);
	squeeze->out = true;
	repo->squeezes_out++;
	crew_give(repo->world.crew, &squeeze->task);
	return 0;
}

static int pack_here(
	struct repo *repo, const struct squeeze *chunk, const void *bytes, struct why *why)
{
	size_t blob_len;
	OWN(own_free) uint8_t *blob = malloc(codec_bound(chunk->len));
	if (!blob)
		return -ENOMEM;
	int err = codec_pack(repo->codec, bytes, chunk->len, blob, &blob_len);
	if (err)
		return why_errno(why, err, "compressing a chunk");
	return add_blob(repo, chunk->kind, &chunk->digest, blob, blob_len, why);
}

int repo_put_chunk(struct repo *repo, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest, struct why *why)
{
	struct squeeze chunk = {.kind = kind, .len = len};
	int err = digest_of(repo->digester, kind, bytes, len, &chunk.digest);
	if (err)
		return why_errno(why, err, "naming a chunk");
	if (!repo_rely(repo, &chunk.digest)) {
		/* Known from here on, wherever it waits: its twin is not stored again. */
		err = note_pending(repo, &chunk.digest, kind);
		if (!err)
			err = repo->world.crew && len >= SQUEEZE_FROM
				? give_to_crew(repo, &chunk, bytes, why)
				: pack_here(repo, &chunk, bytes, why);
		if (err)
			return err;
		repo->written.new_chunks++;
		repo->written.new_bytes += len;
	}
	*ret_digest = chunk.digest;
	return 0;
}

struct repo_written repo_written(const struct repo *repo)
{
	return repo->written;
}

int repo_close_packs(struct repo *repo, struct why *why)
{
	int err = finish_all(repo, why);
	if (!err)
		err = close_pack(repo, STREAM_DATA, why);
	return err ? err : close_pack(repo, STREAM_META, why);
}
