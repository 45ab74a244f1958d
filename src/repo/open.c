/* SPDX-License-Identifier: Apache-2.0 */
/* Making a repository, and opening one: parameters, key, newest head, indexes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "chunk/parity.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/fields.h"
#include "repo/inner.h"
#include "repo/slot.h"

enum { REPO_VERSION = 1, LEVEL = 3, PACK_SIZE_MIN = 1 << 20, PACK_SIZE_MAX = 128 << 20 };

static int put_repo_object(const struct repo_world *world, const struct repo_options *options,
	const struct object_id *id, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	uint8_t start[OBJECT_HEADER] = {0};
	uint64_t written = 0;
	struct object_header header = {.kind = OBJECT_REPO, .repo = *id, .id = *id};
	out_bytes(&out, start, sizeof(start));
	out_u32(&out, REPO_VERSION);
	out_u32(&out, 0);
	out_u64(&out, (uint64_t)clock_wall_ns(world->clock));
	out_u32(&out, options->parity_percent);
	out_u32(&out, options->pack_size ? options->pack_size : PACK_SIZE);
	out_text(&out, options->label ? options->label : "");
	if (out.failed)
		return -ENOMEM;
	header.length = out.len;
	object_put_header(out.at, &header);
	return object_store(world->place, &header, out.at, PARITY_PERCENT_MAX, &written, why);
}

static int put_slot(const struct repo_world *world, const struct object_id *repo,
	const struct key_ring *ring, const uint8_t secret[SECRET_SIZE], struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	uint64_t written = 0;
	struct object_header header = {.kind = OBJECT_KEY, .repo = *repo};
	dice_fill(world->dice, header.id.b, sizeof(header.id.b));
	int err = slot_make(&header, ring, secret, world->dice, &bytes);
	if (err)
		return why_errno(why, err, "making a key slot");
	return object_store(world->place, &header, bytes, PARITY_PERCENT_MAX, &written, why);
}

static void ring_own(struct key_ring **ring)
{
	key_ring_free(*ring);
}

int repo_init(const struct repo_world *world, const struct repo_options *options,
	uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	uint64_t size;
	struct object_id id;
	uint8_t secret[SECRET_SIZE];
	OWN(ring_own) struct key_ring *ring = NULL;
	uint32_t pack_size = options->pack_size ? options->pack_size : PACK_SIZE;
	if (options->parity_percent < 1 || options->parity_percent > PARITY_PERCENT_MAX)
		return why_set(why, -EINVAL, "parity of %u %%: it may be 1 to %d",
			options->parity_percent, PARITY_PERCENT_MAX);
	if (pack_size < PACK_SIZE_MIN || pack_size > PACK_SIZE_MAX)
		return why_set(
			why, -EINVAL, "packs of %" PRIu32 " bytes: 1MiB to 128MiB", pack_size);
	if (!place_size(world->place, "repo", &size))
		return why_set(why, -EEXIST, "there is a repository already");
	dice_fill(world->dice, id.b, sizeof(id.b));
	dice_fill(world->dice, secret, sizeof(secret));
	int err = key_ring_make(world->dice, &ring);
	if (err)
		return why_errno(why, err, "making keys");
	/* The slot first: a repository that can be seen can also be opened. */
	err = put_slot(world, &id, ring, secret, why);
	if (!err)
		err = put_repo_object(world, options, &id, why);
	if (!err)
		memcpy(ret_secret, secret, sizeof(secret));
	return err;
}

/* ---- opening ---- */

/* The repo object says who the repository is, so it is read without knowing that. */
static int read_parameters(struct repo *repo, struct why *why)
{
	OWN(own_free) uint8_t *raw = NULL;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	bool mended;
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
	if (!in.bad && version != REPO_VERSION)
		return why_set(why, -ENOTSUP,
			"repo: written by a newer ebb (version %" PRIu32 "): use that one",
			version);
	in_u32(&in);
	in_u64(&in);
	repo->parity_percent = in_u32(&in);
	repo->pack_size = in_u32(&in);
	if (in.bad || !repo->parity_percent || repo->parity_percent > PARITY_PERCENT_MAX ||
		repo->pack_size < PACK_SIZE_MIN || repo->pack_size > PACK_SIZE_MAX)
		return why_set(why, -EBADMSG, "repo: its parameters are damaged");
	repo->id = want.id;
	repo->mended += mended;
	return 0;
}

struct slot_search {
	struct repo *repo;
	const uint8_t *secret;
	struct why *why;
	size_t slots;
	int err;
};

static bool try_slot(void *arg, const char *name, uint64_t size)
{
	struct slot_search *search = arg;
	struct repo *repo = search->repo;
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.repo = repo->id};
	size_t len;
	bool mended;
	(void)size;
	if (!object_parse_name(name, &want.kind, &want.id) || want.kind != OBJECT_KEY)
		return true;
	search->slots++;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, search->why);
	if (!err)
		err = slot_open(bytes, len, search->secret, &repo->ring, search->why);
	/* A slot of somebody else, or a damaged one, does not end the search. */
	search->err = err;
	return err != 0;
}

static int find_key(struct repo *repo, const uint8_t secret[SECRET_SIZE], struct why *why)
{
	struct slot_search search = {.repo = repo, .secret = secret, .why = why, .err = -EACCES};
	int err = place_list(repo->world.place, "key", try_slot, &search);
	if (err)
		return why_errno(why, err, "key: listing the key slots");
	if (!search.slots)
		return why_set(why, -EBADMSG, "key: all key slots are gone");
	if (search.err == -EACCES)
		return why_set(
			why, -EACCES, "this key opens none of the %zu key slots", search.slots);
	return search.err;
}

static int read_indexes(struct repo *repo, struct why *why)
{
	vec_each (id, &repo->head.indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		size_t len;
		int err = repo_fetch(repo, OBJECT_INDEX, id, &plain, &len, why);
		if (!err)
			err = index_get(&repo->index, plain, len, why);
		if (err)
			return err;
	}
	repo->indexed = (uint32_t)repo->index.packs.len;
	repo->base = repo->head.generation;
	return 0;
}

static void repo_own(struct repo **repo)
{
	repo_close(*repo);
}

int repo_open(const struct repo_world *world, const uint8_t secret[SECRET_SIZE], uint64_t seen,
	struct repo **ret_repo, struct why *why)
{
	OWN(repo_own) struct repo *repo = calloc(1, sizeof(*repo));
	if (!repo)
		return -ENOMEM;
	repo->world = *world;
	repo->level = LEVEL;
	int err = read_parameters(repo, why);
	if (!err)
		err = find_key(repo, secret, why);
	if (err)
		return err;
	repo->with = seal_with_ring(repo->ring, world->dice, world->clock);
	err = digester_new(repo->ring->id_key, &repo->digester);
	if (!err)
		err = codec_new(repo->level, &repo->codec);
	if (err)
		return why_errno(why, err, "opening the repository");
	err = repo_find_head(repo, seen, why);
	if (!err)
		err = read_indexes(repo, why);
	if (!err)
		*ret_repo = TAKE(repo);
	return err;
}

void repo_close(struct repo *repo)
{
	if (!repo)
		return;
	squeeze_drop(repo);
	packing_drop(repo);
	for (size_t i = 0; i < OPENERS; i++)
		opener_free(repo->openers[i].opener);
	index_done(&repo->index);
	head_done(&repo->head);
	codec_free(repo->codec);
	digester_free(repo->digester);
	key_ring_free(repo->ring);
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

const struct key_ring *repo_ring(const struct repo *repo)
{
	return repo->ring;
}

const struct index *repo_index(const struct repo *repo)
{
	return &repo->index;
}

uint64_t repo_mended(const struct repo *repo)
{
	return repo->mended;
}
