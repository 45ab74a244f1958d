/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of looks, each with all that one thread needs to open a chunk. The crew finishes them in
 * any order; they are taken in the order in which they were wanted. One that fails is read again by
 * the caller's thread, which knows how to mend.
 */
#include "repo/ahead.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/crew.h"
#include "os/loop.h"
#include "repo/inner.h"
#include "repo/repo.h"

/* Each look keeps its memory, up to two of the longest chunks. */
enum { LOOKS_PER_HAND = 4, LOOKS_ALONE = 1, LOOKS_MOST = 64 };

enum look_state { LOOK_PASSED, LOOK_ALONE, LOOK_OUT, LOOK_DONE };

struct look {
	struct task task;
	enum look_state state;
	struct ahead *ahead;
	struct reading reading;
	struct opener *opener;
	uint32_t opener_pack;
	struct digest digest;
	int err;
};

struct ahead {
	struct repo *repo;
	unsigned count, first, used;
	struct look looks[];
};

static void read_look(struct task *task)
{
	struct look *look = container_of(task, struct look, task);
	look->err = reading_run(&look->reading, look->opener, NULL);
}

int ahead_new(struct repo *repo, struct ahead **ret_ahead)
{
	struct crew *crew = repo->world.crew;
	unsigned count = crew ? crew_hands(crew) * LOOKS_PER_HAND : LOOKS_ALONE;
	if (count > LOOKS_MOST)
		count = LOOKS_MOST;
	struct ahead *ahead = calloc(1, sizeof(*ahead) + count * sizeof(ahead->looks[0]));
	if (!ahead)
		return -ENOMEM;
	ahead->repo = repo;
	ahead->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct look *look = &ahead->looks[i];
		look->task.work = read_look;
		look->ahead = ahead;
		look->reading.place = repo->world.place;
		int err = codec_new(repo->level, &look->reading.codec);
		if (!err)
			err = digester_new(repo->ring->id_key, &look->reading.digester);
		if (err) {
			ahead_free(ahead);
			return err;
		}
	}
	*ret_ahead = ahead;
	return 0;
}

static struct look *oldest(struct ahead *ahead)
{
	return &ahead->looks[ahead->first];
}

static void wait_for(struct ahead *ahead, struct look *look)
{
	while (look->state == LOOK_OUT) {
		struct task *task = crew_take(ahead->repo->world.crew);
		container_of(task, struct look, task)->state = LOOK_DONE;
	}
}

void ahead_free(struct ahead *ahead)
{
	if (!ahead)
		return;
	for (unsigned i = 0; i < ahead->count; i++) {
		struct look *look = &ahead->looks[i];
		wait_for(ahead, look);
		reading_done(&look->reading);
		opener_free(look->opener);
		codec_free(look->reading.codec);
		digester_free(look->reading.digester);
	}
	free(ahead);
}

bool ahead_full(const struct ahead *ahead)
{
	return ahead->used == ahead->count;
}

static struct look *add(struct ahead *ahead, const struct digest *digest)
{
	must(!ahead_full(ahead));
	struct look *look = &ahead->looks[(ahead->first + ahead->used++) % ahead->count];
	look->digest = *digest;
	return look;
}

void ahead_pass(struct ahead *ahead, const struct digest *digest)
{
	add(ahead, digest)->state = LOOK_PASSED;
}

/* The look gets an opener of its own for the pack, unless it has that one still. */
static int own_opener(struct look *look, uint32_t pack)
{
	struct opener *cached;
	if (look->opener && look->opener_pack == pack)
		return 0;
	opener_free(look->opener);
	look->opener = NULL;
	int err = repo_opener(look->ahead->repo, pack, &cached, NULL);
	if (!err)
		err = opener_copy(cached, &look->opener);
	look->opener_pack = pack;
	return err;
}

void ahead_want(struct ahead *ahead, const struct digest *digest)
{
	struct look *look = add(ahead, digest);
	struct repo *repo = ahead->repo;
	look->state = LOOK_ALONE;
	if (!repo->world.crew || index_find(&repo->index, digest, &look->reading.entry) != 1 ||
		look->reading.entry.at.kind != CHUNK_CONTENT)
		return;
	uint32_t pack = look->reading.entry.pack;
	if (own_opener(look, pack))
		return;
	const struct index_pack *known = &repo->index.packs.at[pack];
	object_name(known->kind, &known->id, look->reading.name);
	look->state = LOOK_OUT;
	crew_give(repo->world.crew, &look->task);
}

/* By the caller's thread; the look's memory is what comes of it. */
static int take_alone(struct look *look, size_t *ret_len, struct why *why)
{
	struct room *room = &look->reading.plain;
	uint8_t *bytes;
	int err = repo_chunk(look->ahead->repo, &look->digest, CHUNK_CONTENT, &bytes, ret_len, why);
	if (err)
		return err;
	free(room->bytes);
	*room = (struct room){bytes, *ret_len};
	return 0;
}

int ahead_take(struct ahead *ahead, struct ahead_chunk *ret_chunk, struct why *why)
{
	must(ahead->used);
	struct look *look = oldest(ahead);
	struct ahead_chunk chunk = {.digest = look->digest};
	int err = 0;
	wait_for(ahead, look);
	ahead->first = (ahead->first + 1) % ahead->count;
	ahead->used--;
	if (look->state == LOOK_DONE && !look->err)
		chunk.len = look->reading.entry.at.plain_length;
	else if (look->state != LOOK_PASSED)
		err = take_alone(look, &chunk.len, why);
	if (look->state != LOOK_PASSED)
		chunk.bytes = look->reading.plain.bytes;
	if (!err)
		*ret_chunk = chunk;
	return err;
}
