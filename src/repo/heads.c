/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of heads: finding the newest one, and writing the one that follows it. Every writer of a
 * head goes through repo_edit_head().
 *
 * Old heads are removed after a while. Whoever slept between looking and putting could so put a
 * head among those that are gone, where nobody looks: therefore a writer looks again afterwards.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "place/place.h"
#include "repo/inner.h"

/* How often a writer tries for a generation before it says that it cannot get one. */
enum { HEAD_TRIES = 100 };

/* How long, and how often at most, it asks a place that is busy with another writer's head. */
enum { BUSY_TRIES = 10000 };
#define BUSY_NS INT64_C(10000000000)

struct head_search {
	uint64_t newest;
};

static bool note_head(void *arg, const char *name, uint64_t size)
{
	struct head_search *search = arg;
	enum object_kind kind;
	struct object_id id;
	(void)size;
	if (object_parse_name(name, &kind, &id) && kind == OBJECT_HEAD) {
		uint64_t generation = object_head_generation(&id);
		if (generation > search->newest)
			search->newest = generation;
	}
	return true;
}

/* Whether the head goes by the keys in force, and by this repository. */
static int check_head(const struct repo *repo, const struct head *head, struct why *why)
{
	const struct head_key *key = head_find_key(head, &repo->own.key);
	if (!key)
		return why_set(why, -EACCES, "this key was taken away from the repository");
	if (!object_id_equal(&key->slot, &repo->slot) ||
		memcmp(key->sum, repo->slot_sum, sizeof(key->sum)) != 0)
		return why_set(why, -EACCES, "the head does not go by this key slot");
	if (head->signer != repo->ring->epoch_count - 1)
		return why_set(why, -EBADMSG, "the head is signed by an old key");
	if (memcmp(head->repo_sum, repo->repo_sum, sizeof(head->repo_sum)) != 0)
		return why_set(why, -EBADMSG,
			"the object `repo` is not the one that this repository was made with");
	return 0;
}

/* One head: fetched, opened, signature and generation checked. */
int repo_read_head(struct repo *repo, uint64_t generation, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	OWN(own_free) uint8_t *plain = NULL;
	struct object_header want = {
		.kind = OBJECT_HEAD, .repo = repo->id, .id = object_head_id(generation)};
	struct head head;
	size_t len, plain_len;
	bool mended;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, why);
	/* Its parity vouches for the epoch: somebody has rotated. */
	if (!err && len >= SEAL_BODY && seal_epoch(bytes) >= repo->ring->epoch_count)
		err = why_set(why, -EKEYEXPIRED, "newer keys are in force");
	if (!err)
		err = open_whole(bytes, len, repo->ring, &plain, &plain_len, why);
	if (!err)
		err = head_get(plain, plain_len, &repo->id, repo->ring, &head, why);
	if (err)
		return why_prefix(why, err, "generation %" PRIu64, generation);
	err = head.generation == generation
		? check_head(repo, &head, why)
		: why_set(why, -EBADMSG, "the head tells another generation");
	if (err) {
		head_done(&head);
		return why_prefix(why, err, "generation %" PRIu64, generation);
	}
	head.id = want.id;
	head_done(&repo->head);
	repo->head = head;
	repo->mended += mended;
	must(SHA256(bytes, len, repo->head_sum));
	return 0;
}

int repo_newest_generation(struct repo *repo, uint64_t seen, uint64_t *ret_newest, struct why *why)
{
	struct head_search search = {0};
	int err = place_list(repo->world.place, "head", note_head, &search);
	if (err)
		return why_errno(why, err, "head: listing the heads");
	if (search.newest < seen)
		return why_set(why, -ESTALE,
			"the repository is at generation %" PRIu64 ", but was at %" PRIu64
			" before: it was rolled back, or heads were deleted",
			search.newest, seen);
	*ret_newest = search.newest;
	return 0;
}

/* A damaged newest head is an error: falling back to an older one would be a rollback. */
int repo_find_head(struct repo *repo, uint64_t seen, struct why *why)
{
	uint64_t newest;
	int err = repo_newest_generation(repo, seen, &newest, why);
	if (err || newest == repo->head.generation)
		return err;
	err = repo_read_head(repo, newest, why);
	/* Somebody may have rotated the keys since; if not, the head is what is wrong. */
	if ((err == -EBADMSG || err == -EACCES || err == -EKEYEXPIRED) &&
		!repo_find_key(repo, NULL, newest, NULL))
		err = 0;
	return err;
}

/* Seals, signs and stores the head that follows the newest one. -EEXIST: somebody was faster. */
static int put_head(
	struct repo *repo, const struct key_ring *ring, struct head *head, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len, bytes_len;
	if (ring->epoch_count <= repo->head.signer)
		return why_set(why, -ESTALE, "the keys were rotated: open the repository anew");
	head->signer = ring->epoch_count - 1;
	head->generation = repo->head.generation + 1;
	head->id = object_head_id(head->generation);
	head->wall_ns = clock_wall_ns(repo->world.clock);
	memcpy(head->previous, repo->head_sum, sizeof(head->previous));
	memcpy(head->repo_sum, repo->repo_sum, sizeof(head->repo_sum));
	struct seal_with with = seal_with_ring(ring, repo->world.dice, repo->world.clock);
	struct object_header header = {.kind = OBJECT_HEAD, .repo = repo->id, .id = head->id};
	int err = head_put(head, &repo->id, ring, &body, &len);
	if (!err)
		err = seal_whole(&header, &with, body, len, &bytes, &bytes_len);
	if (err)
		return why_errno(why, err, "making a head");
	err = object_store(repo->world.place, &header, bytes, repo->parity_percent,
		&repo->written.written_bytes, why);
	if (!err && !SHA256(bytes, bytes_len, repo->head_sum))
		err = -EIO;
	return err;
}

/* One try at the generation that follows the newest one. */
static int try_edit(struct repo *repo, const struct key_ring *ring, head_edit_fn *edit, void *arg,
	struct why *why)
{
	OWN(head_done) struct head head = {0};
	uint64_t newest;
	int err = repo_find_head(repo, repo->head.generation, why);
	if (!err)
		err = head_copy(&repo->head, &head);
	if (!err)
		err = edit(arg, &head, why);
	if (!err)
		err = put_head(repo, ring ? ring : repo->ring, &head, why);
	if (err)
		return err;
	head_done(&repo->head);
	repo->head = head;
	head = (struct head){0};
	err = repo_newest_generation(repo, repo->head.generation, &newest, why);
	if (!err && newest > repo->head.generation + HEADS_KEPT / 2)
		err = -EEXIST;
	return err;
}

/*
 * Other writers may be faster, each time one of them gets on: so somebody always does. A place that
 * is busy with another one's head is asked again for a while; each time all heads are listed.
 */
int repo_edit_head_as(struct repo *repo, const struct key_ring *ring, head_edit_fn *edit, void *arg,
	struct why *why)
{
	int64_t until = clock_mono_ns(repo->world.clock) + BUSY_NS;
	int err = -EEXIST, busy = 0;
	for (int tries = 0; err == -EEXIST && tries < HEAD_TRIES; tries++) {
		err = try_edit(repo, ring, edit, arg, why);
		while (err == -EWOULDBLOCK && busy++ < BUSY_TRIES &&
			clock_mono_ns(repo->world.clock) < until)
			err = try_edit(repo, ring, edit, arg, why);
	}
	return err == HEAD_AS_IS ? 0 : err;
}

int repo_edit_head(struct repo *repo, head_edit_fn *edit, void *arg, struct why *why)
{
	return repo_edit_head_as(repo, NULL, edit, arg, why);
}
