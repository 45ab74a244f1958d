/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a repository: parameters, key, newest head, indexes. */
#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/parity.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/client_inner.h"
#include "repo/fields.h"
#include "repo/inner.h"

enum { LEVEL = 3 };

/* The repo object says who the repository is, so it is read without knowing that. */
int repo_read_parameters(struct repo *repo, struct why *why)
{
	OWN(own_free) uint8_t *raw = NULL;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	bool mended;
	char needs[REPO_NEEDS];
	struct object_header want = {.kind = OBJECT_REPO}, header;
	int err = place_get_whole(repo->world.place, "repo", 1 << 20, &raw, &len);
	if (err == -ENOENT)
		return why_set(why, err, "there is no repository");
	if (err)
		return why_errno(why, err, "repo");
	if (!object_get_header(raw, len, &header, why))
		want.id = header.id;
	else if (parity_whose(raw, len, &want.id))
		return why_prefix(why, -EBADMSG, "repo");
	want.repo = want.id;
	err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, why);
	if (err)
		return err;
	struct fields_in in = {.at = bytes + OBJECT_HEADER, .end = bytes + len};
	uint32_t version = in_u32(&in);
	uint32_t capabilities = in_u32(&in);
	in_text(&in, needs, sizeof(needs));
	if (!in.bad && (version != REPO_FORMAT || capabilities))
		return why_set(why, -ENOTSUP,
			"this repository needs %s or newer (format %" PRIu32
			", capabilities 0x%" PRIx32 "); this ebb knows format %d",
			needs, version, capabilities, REPO_FORMAT);
	in_u64(&in);
	repo->parity_percent = in_u32(&in);
	repo->pack_size = in_u32(&in);
	if (in.bad || !repo->parity_percent || repo->parity_percent > PARITY_PERCENT_MAX ||
		repo->pack_size < PACK_SIZE_MIN || repo->pack_size > PACK_SIZE_MAX)
		return why_set(why, -EBADMSG, "repo: its parameters are damaged");
	must(SHA256(bytes, len, repo->repo_sum));
	repo->id = want.id;
	repo->mended += mended;
	return 0;
}

/* Retired packs are known before others, so that no chunk is looked for there without need. */
static int note_retired(struct repo *repo)
{
	OWN(ids_done) ids_t retired = {0};
	vec_each (one, &repo->head.retired)
		if (vec_push(&retired, one->id))
			return -ENOMEM;
	return index_set_retired(&repo->index, retired.at, retired.len);
}

int repo_read_indexes(struct repo *repo, struct why *why)
{
	for (size_t i = 0; i < OPENERS; i++) {
		opener_free(repo->openers[i].opener);
		repo->openers[i] = (struct opener_slot){0};
	}
	index_done(&repo->index);
	elsewhere_done(repo);
	repo->unread.len = 0;
	int err = note_retired(repo);
	if (!err)
		err = cache_read_indexes(repo, why);
	if (err)
		return err;
	cache_all_told(repo);
	repo->base = repo->head.generation;
	return 0;
}

static void repo_own(struct repo **repo)
{
	repo_close(*repo);
}

/* What goes by the keys in force and is made once. */
static int prepare(struct repo *repo, struct why *why)
{
	int err = digester_new(repo->ring->id_key, &repo->digester);
	if (!err)
		err = codec_new(repo->level, &repo->codec);
	return err ? why_errno(why, err, "opening the repository") : 0;
}

int repo_open_with(const struct repo_world *world, const struct unlock *unlock, uint64_t seen,
	struct repo **ret_repo, struct why *why)
{
	uint64_t newest;
	OWN(repo_own) struct repo *repo = calloc(1, sizeof(*repo));
	if (!repo)
		return -ENOMEM;
	repo->world = *world;
	pack_memory_init(&repo->pack_memory);
	repo->level = LEVEL;
	int err = repo_read_parameters(repo, why);
	if (!err)
		err = repo_newest_generation(repo, seen, &newest, why);
	if (!err)
		err = repo_find_key(repo, unlock, newest, why);
	if (!err)
		err = prepare(repo, why);
	if (!err && repo->ring->write_only)
		err = client_new(&repo->client);
	else if (!err && !newest)
		err = repo_first_head(repo, why);
	if (!err) {
		cache_begin(repo);
		err = repo_read_indexes(repo, why);
	}
	if (!err)
		*ret_repo = TAKE(repo);
	return err;
}

int repo_open(const struct repo_world *world, const uint8_t secret[SECRET_SIZE], uint64_t seen,
	struct repo **ret_repo, struct why *why)
{
	struct unlock unlock = {.secret = secret};
	return repo_open_with(world, &unlock, seen, ret_repo, why);
}

void repo_close(struct repo *repo)
{
	if (!repo)
		return;
	squeeze_drop(repo);
	packing_drop(repo);
	pack_memory_done(&repo->pack_memory);
	twins_drop(repo);
	vec_done(&repo->unread);
	vec_done(&repo->early);
	for (size_t i = 0; i < OPENERS; i++)
		opener_free(repo->openers[i].opener);
	index_done(&repo->index);
	elsewhere_done(repo);
	head_done(&repo->head);
	codec_free(repo->codec);
	digester_free(repo->digester);
	client_free(repo->client);
	slot_opened_done(&repo->own);
	free(repo);
}

const struct head *repo_head(const struct repo *repo)
{
	return &repo->head;
}

const struct object_id *repo_id(const struct repo *repo)
{
	return &repo->id;
}

const struct object_id *repo_key_id(const struct repo *repo)
{
	return &repo->own.key;
}

struct place *repo_place(const struct repo *repo)
{
	return repo->world.place;
}

const struct key_ring *repo_ring(const struct repo *repo)
{
	return repo->ring;
}

uint64_t repo_mended(const struct repo *repo)
{
	return repo->mended;
}
