/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying what is needed out of packs that are mostly not, and out of small ones, into new packs.
 * A head that names the new packs comes first; only a later one tombstones the old ones, which then
 * nobody needs. So whatever happens in between, every chunk lies in one of the two.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/gc_inner.h"

/* Copied in one go: what a killed run loses at most. */
enum { BATCH = 1 << 30 };

/* Small packs wait until it is worth it. */
enum { SMALL_PACKS = 8 };

/* Whether copying it gives room, or one object less. Sizes are those at the place. */
static bool is_small(const struct gc *gc, const struct gc_pack *pack)
{
	return pack->live && !pack->retired && pack->size < gc->repo->pack_size / 4;
}

/* What a pack of nothing but that would take, with its parity. */
static uint64_t packed_bytes(const struct gc *gc, const struct gc_pack *pack)
{
	return pack->live + pack->live / 100 * gc->repo->parity_percent;
}

static bool is_sparse(const struct gc *gc, const struct gc_pack *pack)
{
	return pack->live && !pack->retired && !is_small(gc, pack) &&
		packed_bytes(gc, pack) < pack->size / 100 * gc->options->rewrite_below;
}

static bool is_bad(const struct gc *gc, const struct gc_pack *pack)
{
	vec_each (id, &gc->bad)
		if (object_id_equal(id, &pack->id))
			return true;
	return false;
}

uint64_t gc_sparse_bytes(const struct gc *gc)
{
	uint64_t bytes = 0;
	vec_each (pack, &gc->packs)
		if (is_sparse(gc, pack))
			bytes += pack->size - packed_bytes(gc, pack);
	return bytes;
}

static void choose_small(struct gc *gc, enum object_kind kind)
{
	uint64_t count = 0, bytes = 0;
	vec_each (pack, &gc->packs) {
		if (pack->kind == kind && is_small(gc, pack)) {
			count++;
			bytes += pack->live;
		}
	}
	unsigned many = gc->options->small_packs ? gc->options->small_packs : SMALL_PACKS;
	bool pays = count >= many || (count > 1 && bytes >= gc->repo->pack_size);
	vec_each (pack, &gc->packs)
		if (pays && pack->kind == kind && is_small(gc, pack))
			pack->rewrite = true;
}

/*
 * Marks the packs that this batch copies. False: there is nothing to copy. Once all were chosen
 * there is no second time in one run: whatever is left then is as small as it gets.
 */
static bool choose(struct gc *gc)
{
	uint64_t bytes = 0;
	gc->no_rewrite = true;
	choose_small(gc, OBJECT_DATA);
	choose_small(gc, OBJECT_META);
	vec_each (pack, &gc->packs) {
		bool wanted = (pack->rewrite || is_sparse(gc, pack)) && !is_bad(gc, pack);
		pack->rewrite = wanted && bytes < BATCH;
		if (pack->rewrite)
			bytes += pack->live;
		else if (wanted)
			gc->no_rewrite = false;
	}
	return bytes > 0;
}

struct job {
	uint32_t pack; /* number in gc->packs */
	struct pack_entry at;
};

typedef VEC(struct job) jobs_t;

static void jobs_done(jobs_t *jobs)
{
	vec_done(jobs);
}

static int by_pack(const void *a, const void *b)
{
	const struct job *one = a, *other = b;
	if (one->pack != other->pack)
		return one->pack < other->pack ? -1 : 1;
	return (one->at.offset > other->at.offset) - (one->at.offset < other->at.offset);
}

struct collecting {
	struct gc *gc;
	jobs_t *jobs;
};

static int collect_one(void *arg, uint32_t number, const struct index_entry *entry)
{
	const struct collecting *c = arg;
	if (!gc_is_marked(c->gc, number))
		return 0;
	struct gc_pack *pack = gc_find_pack(c->gc, &c->gc->repo->index.packs.at[entry->pack].id);
	struct job job = {(uint32_t)(pack - c->gc->packs.at), entry->at};
	return pack->rewrite ? vec_push(c->jobs, job) : 0;
}

/* Every needed chunk of the chosen packs, pack by pack. */
static int collect(struct gc *gc, jobs_t *jobs)
{
	struct collecting c = {gc, jobs};
	int err = index_walk(&gc->repo->index, collect_one, &c);
	if (jobs->len)
		qsort(jobs->at, jobs->len, sizeof(*jobs->at), by_pack);
	return err;
}

struct source {
	uint32_t pack;
	uint8_t *bytes;
	size_t len;
	struct opener *opener;
};

static void source_done(struct source *source)
{
	free(source->bytes);
	opener_free(source->opener);
	*source = (struct source){0};
}

static int open_source(struct gc *gc, uint32_t number, struct source *source, struct why *why)
{
	const struct gc_pack *pack = &gc->packs.at[number];
	struct repo *repo = gc->repo;
	struct object_header want = {.kind = pack->kind, .repo = repo->id, .id = pack->id};
	bool mended;
	source_done(source);
	source->pack = number;
	int err = object_fetch(
		repo->world.place, &want, &source->bytes, &source->len, &mended, why);
	if (!err)
		err = opener_new(source->bytes, source->len, repo->ring, &source->opener, why);
	return err;
}

/* The blob as it lies there goes on; but only when it holds what its name says. */
static int copy_chunk(
	struct gc *gc, const struct source *source, const struct pack_entry *at, struct why *why)
{
	struct repo *repo = gc->repo;
	size_t blob_len = at->length - SEAL_TAG, len;
	OWN(own_free) uint8_t *blob = malloc(at->length);
	OWN(own_free) uint8_t *plain = NULL;
	struct digest digest;
	if (!blob)
		return -ENOMEM;
	if (at->length < BLOB_HEADER + SEAL_TAG || at->offset > source->len ||
		at->length > source->len - at->offset)
		return -EBADMSG;
	int err = open_segment(
		source->opener, at->segment, source->bytes + at->offset, at->length, blob);
	if (!err)
		err = codec_plain_len(at->kind, blob, blob_len, &len);
	if (!err && !(plain = malloc(len ? len : 1)))
		err = -ENOMEM;
	if (!err)
		err = codec_unpack(repo->codec, blob, blob_len, plain, len);
	if (!err)
		err = digest_of(repo->digester, at->kind, plain, len, &digest);
	if (!err && !digest_equal(&digest, &at->digest))
		err = -EBADMSG;
	if (err)
		return err;
	gc->result.rewritten_bytes += at->length;
	struct blob_note note = {at->digest, at->kind};
	return packing_add(repo, &note, blob, blob_len, why);
}

/* What is damaged stays where it is: verify tells of it, and its pack is not given up. */
static int copy_all(struct gc *gc, const jobs_t *jobs, struct why *why)
{
	OWN(source_done) struct source source = {0};
	struct why trouble;
	uint32_t bad = UINT32_MAX;
	vec_each (job, jobs) {
		int err = 0;
		if (job->pack == bad)
			continue;
		if (!source.opener || source.pack != job->pack) {
			err = open_source(gc, job->pack, &source, &trouble);
			gc->result.rewritten += !err;
		}
		if (!err)
			err = copy_chunk(gc, &source, &job->at, &trouble);
		if (err == -EBADMSG || err == -ENOENT) {
			bad = job->pack;
			err = vec_push(&gc->bad, gc->packs.at[bad].id);
		}
		if (err)
			return why_set(why, err, "%s", trouble.text);
	}
	return 0;
}

int gc_rewrite(struct gc *gc, bool *ret_did, struct why *why)
{
	OWN(jobs_done) jobs_t jobs = {0};
	*ret_did = false;
	if (!gc->options->rewrite_below || gc->no_rewrite || !choose(gc))
		return 0;
	if (planted(GC_COPY_FORGOTTEN)) {
		vec_each (pack, &gc->packs)
			pack->live = pack->rewrite ? 0 : pack->live;
		return 0;
	}
	int err = collect(gc, &jobs);
	if (!err)
		err = copy_all(gc, &jobs, why);
	if (!err)
		err = repo_commit_copies(gc->repo, why);
	*ret_did = !err;
	return err;
}
