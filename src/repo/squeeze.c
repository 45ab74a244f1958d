/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks on their way through the crew, twice: first for their name, which tells whether they are
 * known, then, those that are new, to be compressed.
 *
 * How hard to compress follows the headroom. Where the reader waits for the crew, the level falls;
 * where the crew has time because the place is slow, it rises, since then every byte that is not
 * written is time won.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/crew.h"
#include "os/loop.h"
#include "repo/inner.h"

enum squeeze_state { FREE, NAMING, PACKING };

/* One chunk with room for its blob. */
struct squeeze {
	struct task task;
	enum squeeze_state state;
	struct squeezing *squeezing;
	struct digester *digester;
	struct blob_note note;
	struct digest_list *list; /* where its name is wanted, and at which place */
	size_t at;
	uint8_t *room, *plain; /* plain lies in room, with what is before it for its header */
	uint8_t *packed;
	const uint8_t *blob; /* room or packed */
	size_t len, blob_len, cap;
	int level, err;
};

/* A codec is large: there is one for each hand, taken and given back by whoever works. */
struct squeezing {
	_Atomic(struct codec *) *codecs;
	unsigned hands, count, out, naming;
	unsigned chunks, waits; /* since the last look at the headroom */
	uint64_t place_waits;
	struct squeeze all[];
};

/* More than hands, so that none is idle while chunks come in bursts. */
enum { PER_HAND = 2, RESERVE_LEAST = 1 << 20 };

/* Chunks between two looks, and how many waits in them are many. */
enum { LOOK_EVERY = 16, WAITS_MANY = 8, LEVEL_LEAST = 1, LEVEL_MOST = 9 };

static struct codec *take_codec(struct squeezing *squeezing)
{
	for (;;)
		for (unsigned i = 0; i < squeezing->hands; i++) {
			struct codec *codec = atomic_exchange(&squeezing->codecs[i], NULL);
			if (codec)
				return codec;
		}
}

static void give_codec(struct squeezing *squeezing, struct codec *codec)
{
	for (unsigned i = 0;; i = (i + 1) % squeezing->hands) {
		struct codec *none = NULL;
		if (atomic_compare_exchange_strong(&squeezing->codecs[i], &none, codec))
			return;
	}
}

static void work(struct task *task)
{
	struct squeeze *s = container_of(task, struct squeeze, task);
	if (s->state == NAMING) {
		s->err = digest_of(s->digester, s->note.kind, s->plain, s->len, &s->note.digest);
		return;
	}
	struct codec *codec = take_codec(s->squeezing);
	codec_set_level(codec, s->level);
	s->blob = codec_pack_over(codec, s->room, s->len, s->packed, &s->blob_len);
	give_codec(s->squeezing, codec);
}

static int fill(struct repo *repo, struct squeezing *squeezing)
{
	for (unsigned i = 0; i < squeezing->hands; i++) {
		struct codec *codec;
		int err = codec_new(repo->level, &codec);
		if (err)
			return err;
		atomic_init(&squeezing->codecs[i], codec);
	}
	for (unsigned i = 0; i < squeezing->count; i++) {
		struct squeeze *s = &squeezing->all[i];
		s->task.work = work;
		s->squeezing = squeezing;
		int err = digester_new(repo->ring->id_key, &s->digester);
		if (err)
			return err;
	}
	return 0;
}

static int begin(struct repo *repo)
{
	unsigned hands = crew_hands(repo->world.crew), count = hands * PER_HAND;
	struct squeezing *squeezing = calloc(
		1, sizeof(*squeezing) + count * sizeof(struct squeeze));
	if (!squeezing)
		return -ENOMEM;
	repo->squeezing = squeezing;
	squeezing->hands = hands;
	squeezing->codecs = calloc(hands, sizeof(*squeezing->codecs));
	if (!squeezing->codecs)
		return -ENOMEM;
	squeezing->count = count;
	return fill(repo, squeezing);
}

/* Once for all but the longest: what is not touched takes no memory. */
static int reserve(struct squeeze *s, size_t len)
{
	if (len <= s->cap)
		return 0;
	if (len < RESERVE_LEAST)
		len = RESERVE_LEAST;
	free(s->room);
	free(s->packed);
	s->cap = 0;
	s->room = malloc(codec_bound(len));
	s->packed = malloc(codec_bound(len));
	if (!s->room || !s->packed)
		return -ENOMEM;
	s->plain = s->room + BLOB_HEADER;
	s->cap = len;
	return 0;
}

static void give(struct repo *repo, struct squeeze *s, enum squeeze_state state)
{
	s->state = state;
	s->level = repo->level;
	repo->squeezing->naming += state == NAMING;
	repo->squeezing->out++;
	crew_give(repo->world.crew, &s->task);
}

static struct squeeze *take_back(struct repo *repo)
{
	struct task *task = crew_take(repo->world.crew);
	struct squeeze *s = container_of(task, struct squeeze, task);
	repo->squeezing->out--;
	repo->squeezing->naming -= s->state == NAMING;
	return s;
}

/* A chunk that has its name: known, and then done with, or new and on to be compressed. */
static int named(struct repo *repo, struct squeeze *s, struct why *why)
{
	s->list->at[s->at] = s->note.digest;
	s->state = FREE;
	int known = repo_known(repo, &s->note.digest, why);
	if (known)
		return known < 0 ? known : 0;
	repo->written.new_chunks++;
	repo->written.new_bytes += s->len;
	give(repo, s, PACKING);
	return 0;
}

static int finish_one(struct repo *repo, struct why *why)
{
	struct squeeze *s = take_back(repo);
	if (s->err) {
		s->state = FREE;
		return why_errno(why, s->err, "compressing a chunk");
	}
	if (s->state == NAMING)
		return named(repo, s, why);
	/* Before it is free: its name must be known somewhere all the time. */
	int err = repo_add_blob(repo, &s->note, s->blob, s->blob_len, why);
	s->state = FREE;
	return err;
}

static void look_at_headroom(struct repo *repo)
{
	struct squeezing *squeezing = repo->squeezing;
	if (++squeezing->chunks < LOOK_EVERY)
		return;
	bool place_slow = repo->place_waits > squeezing->place_waits;
	if (squeezing->waits >= WAITS_MANY && !place_slow && repo->level > LEVEL_LEAST)
		repo->level--;
	else if (!squeezing->waits && place_slow && repo->level < LEVEL_MOST)
		repo->level++;
	squeezing->place_waits = repo->place_waits;
	squeezing->chunks = squeezing->waits = 0;
}

static int find_free(struct repo *repo, size_t len, struct squeeze **ret_free, struct why *why)
{
	int err = repo->squeezing ? 0 : begin(repo);
	if (err)
		return why_errno(why, err, "making room for compression");
	struct squeezing *squeezing = repo->squeezing;
	look_at_headroom(repo);
	while (!err && squeezing->out && crew_ready(repo->world.crew))
		err = finish_one(repo, why);
	while (!err && squeezing->out == squeezing->count) {
		squeezing->waits++;
		err = finish_one(repo, why);
	}
	if (err)
		return err;
	unsigned i = 0;
	while (squeezing->all[i].state != FREE)
		i++;
	must(i < squeezing->count);
	*ret_free = &squeezing->all[i];
	return reserve(*ret_free, len);
}

int squeeze_unnamed(
	struct repo *repo, const void *bytes, size_t len, struct digest_list *list, struct why *why)
{
	struct squeeze *s;
	int err = find_free(repo, len, &s, why);
	if (err)
		return err;
	s->note = (struct blob_note){.kind = CHUNK_CONTENT};
	s->list = list;
	s->at = list->len - 1;
	s->len = len;
	memcpy(s->plain, bytes, len);
	give(repo, s, NAMING);
	return 0;
}

int squeeze_named(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len,
	struct why *why)
{
	struct squeeze *s;
	int err = find_free(repo, len, &s, why);
	if (err)
		return err;
	s->note = *note;
	s->len = len;
	memcpy(s->plain, bytes, len);
	give(repo, s, PACKING);
	return 0;
}

bool squeeze_has(const struct repo *repo, const struct digest *digest)
{
	const struct squeezing *squeezing = repo->squeezing;
	for (unsigned i = 0; squeezing && squeezing->out && i < squeezing->count; i++)
		if (squeezing->all[i].state == PACKING &&
			memcmp(squeezing->all[i].note.digest.b, digest->b, DIGEST_SIZE) == 0)
			return true;
	return false;
}

/* To the end also when one fails: nobody may write to a list that its owner has let go. */
int squeeze_settle(struct repo *repo, struct why *why)
{
	int first = 0;
	while (repo->squeezing && repo->squeezing->naming) {
		int err = finish_one(repo, first ? NULL : why);
		first = first ? first : err;
	}
	return first;
}

int squeeze_finish(struct repo *repo, struct why *why)
{
	int err = 0;
	while (!err && repo->squeezing && repo->squeezing->out)
		err = finish_one(repo, why);
	return err;
}

void squeeze_drop(struct repo *repo)
{
	struct squeezing *squeezing = repo->squeezing;
	if (!squeezing)
		return;
	while (squeezing->out)
		take_back(repo);
	for (unsigned i = 0; squeezing->codecs && i < squeezing->hands; i++)
		codec_free(atomic_load(&squeezing->codecs[i]));
	for (unsigned i = 0; i < squeezing->count; i++) {
		digester_free(squeezing->all[i].digester);
		free(squeezing->all[i].room);
		free(squeezing->all[i].packed);
	}
	free(squeezing->codecs);
	free(squeezing);
	repo->squeezing = NULL;
}
