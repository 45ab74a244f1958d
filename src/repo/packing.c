/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs on their way: one open for each stream, full ones carried to the place by other threads.
 *
 * A pack becomes part of the index when it is at the place and not before. Until then the names of
 * its chunks stand in a set that goes with the pack, so that no chunk is stored twice and what is
 * remembered is bounded by the packs that are out.
 *
 * Packs come to the place in any order, and none of them counts before the commit, which waits for
 * all. When one fails, what is open or under way is let go, and nothing more is taken: its chunks
 * were already told as stored to whoever brought the same ones again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/why.h"
#include "os/crew.h"
#include "os/loop.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/client_inner.h"
#include "repo/inner.h"

/* One pack on its way to the place. Its task sees no more of the repository than it names. */
struct flight {
	struct task task;
	struct place *place;
	struct pack_memory *memory; /* whose bytes are spent as they arrive */
	struct pack_writer *writer;
	struct pack_result pack;
	struct index waiting;
	enum object_kind kind;
	struct why why;
	int err;
	bool out;
};

static enum object_kind kind_of(int stream)
{
	return stream == STREAM_DATA ? OBJECT_DATA : OBJECT_META;
}

static int open_pack(struct repo *repo, int stream)
{
	struct pack_options options = {
		.kind = kind_of(stream),
		.repo = repo->id,
		.with = &repo->with,
		.size = repo->pack_size,
		.parity_percent = repo->parity_percent,
		.memory = &repo->pack_memory,
		.ring = repo->ring,
	};
	return pack_writer_new(&options, &repo->packing[stream].writer);
}

static void spend(void *arg, size_t upto)
{
	struct flight *flight = arg;
	pack_spend(flight->writer, upto);
}

static void close_and_put(struct flight *flight)
{
	char name[OBJECT_NAME];
	flight->err = pack_finish(flight->writer, &flight->pack);
	if (flight->err) {
		why_errno(&flight->why, flight->err, "closing a pack");
		return;
	}
	struct spending object = {
		.bytes = flight->pack.bytes,
		.len = flight->pack.len,
		.spent = spend,
		.arg = flight,
	};
	object_name(flight->kind, &flight->pack.id, name);
	flight->err = place_put_spending(flight->place, name, &object, &flight->why);
}

static void fly(struct task *task)
{
	struct flight *flight = container_of(task, struct flight, task);
	close_and_put(flight);
	pack_spend(flight->writer, SIZE_MAX);
	pack_memory_spender(flight->memory, -1);
}

static void flight_done(struct flight *flight)
{
	pack_writer_free(flight->writer);
	index_done(&flight->waiting);
	*flight = (struct flight){0};
}

/* What is at the place goes into the index. */
static int land(struct repo *repo, struct flight *flight, struct why *why)
{
	struct index_pack known = {.id = flight->pack.id, .kind = flight->kind};
	int err = flight->err;
	if (repo_tells_lengths(repo))
		known.length = flight->pack.len;
	if (err)
		return why_set(why, err, "%s", flight->why.text);
	err = cache_add_pack(repo, &known, flight->pack.entries, flight->pack.count, why);
	if (!err)
		repo->written.written_bytes += flight->pack.len;
	return err;
}

static struct flight *take_back(struct repo *repo)
{
	struct task *task = crew_take(repo->world.carriers);
	struct flight *flight = container_of(task, struct flight, task);
	flight->out = false;
	repo->flights_out--;
	return flight;
}

static int land_one(struct repo *repo, struct why *why)
{
	struct flight *flight = take_back(repo);
	int err = land(repo, flight, why);
	flight_done(flight);
	if (err)
		repo->packs_failed = err;
	return err;
}

int packing_check(const struct repo *repo, struct why *why)
{
	if (!repo->packs_failed)
		return 0;
	return why_errno(why, repo->packs_failed, "an earlier pack could not be stored");
}

/* The reader waits for the place: the level of compression is told. */
static int wait_and_land(struct repo *repo, struct why *why)
{
	repo->place_waits += !crew_ready(repo->world.carriers);
	return land_one(repo, why);
}

/*
 * Memory for a full pack for each stream of the place, and the beginning of the next one, or what
 * small packs take more than they hold. What has arrived makes room before its pack has.
 */
static void wait_for_memory(struct repo *repo, size_t growth)
{
	unsigned streams = repo->world.place->streams ? repo->world.place->streams : 1;
	size_t full = pack_full(repo->pack_size, repo->parity_percent);
	size_t next = full / 16 * 3, steps = (size_t)streams * SPAN_STEP;
	size_t most = streams * (full + full / 8) + (next > steps ? next : steps);
	if (growth && growth < most)
		repo->place_waits += pack_memory_wait(&repo->pack_memory, most - growth);
}

static unsigned most_flights(const struct repo *repo)
{
	return repo->world.carriers ? crew_hands(repo->world.carriers) : 1;
}

/* A free flight, after waiting for one where the most are out. */
static int find_flight(struct repo *repo, struct flight **ret_flight, struct why *why)
{
	unsigned most = most_flights(repo);
	if (!repo->flights) {
		repo->flights = calloc(most, sizeof(*repo->flights));
		if (!repo->flights)
			return -ENOMEM;
	}
	if (repo->flights_out == most) {
		int err = wait_and_land(repo, why);
		if (err)
			return err;
	}
	unsigned i = 0;
	while (repo->flights[i].out)
		i++;
	*ret_flight = &repo->flights[i];
	return 0;
}

static int close_pack(struct repo *repo, int stream, struct why *why)
{
	struct packing *packing = &repo->packing[stream];
	struct flight *flight;
	if (!packing->writer)
		return 0;
	int err = find_flight(repo, &flight, why);
	if (err)
		return err;
	err = pack_seal(packing->writer);
	if (err)
		return why_errno(why, err, "sealing a pack");
	if (repo->client) {
		struct pack_result sealed = pack_sealed(packing->writer);
		client_note_pack(repo, kind_of(stream), &sealed);
	}
	*flight = (struct flight){
		.task.work = fly,
		.place = repo->world.place,
		.memory = &repo->pack_memory,
		.writer = packing->writer,
		.waiting = packing->waiting,
		.kind = kind_of(stream),
	};
	*packing = (struct packing){0};
	pack_memory_spender(&repo->pack_memory, 1);
	if (repo->world.carriers) {
		flight->out = true;
		repo->flights_out++;
		crew_give(repo->world.carriers, &flight->task);
		return 0;
	}
	fly(&flight->task);
	err = repo->packs_failed = land(repo, flight, why);
	flight_done(flight);
	return err;
}

int packing_add(struct repo *repo, const struct blob_note *note, const uint8_t *blob, size_t len,
	struct why *why)
{
	int stream = note->kind == CHUNK_CONTENT || note->kind == CHUNK_BLOCKS ? STREAM_DATA
									       : STREAM_META;
	struct packing *packing = &repo->packing[stream];
	struct pack_entry entry = {.digest = note->digest, .kind = note->kind};
	int err = packing_check(repo, why);
	while (!err && repo->flights_out && crew_ready(repo->world.carriers))
		err = land_one(repo, why);
	if (!err && packing->writer && !pack_fits(packing->writer, len))
		err = close_pack(repo, stream, why);
	if (err)
		return err;
	if (packing->writer)
		wait_for_memory(repo, pack_growth(packing->writer, len));
	else
		err = open_pack(repo, stream);
	if (!err)
		err = pack_add(packing->writer, &note->digest, note->kind, blob, len);
	if (!err)
		err = index_add(&packing->waiting, 0, &entry);
	if (!err && stream == STREAM_DATA && codec_is_dense(blob))
		repo->written.dense_bytes += len - BLOB_HEADER;
	return err ? why_errno(why, err, "storing a chunk") : 0;
}

bool packing_has(const struct repo *repo, const struct digest *digest)
{
	struct index_entry entry;
	for (int i = 0; i < STREAMS; i++)
		if (index_find(&repo->packing[i].waiting, digest, &entry) == 1)
			return true;
	if (!repo->flights_out)
		return false;
	for (unsigned i = 0; i < crew_hands(repo->world.carriers); i++)
		if (repo->flights[i].out &&
			index_find(&repo->flights[i].waiting, digest, &entry) == 1)
			return true;
	return false;
}

int packing_finish(struct repo *repo, struct why *why)
{
	int err = packing_check(repo, why);
	if (!err)
		err = close_pack(repo, STREAM_DATA, why);
	if (!err)
		err = close_pack(repo, STREAM_META, why);
	while (!err && repo->flights_out)
		err = land_one(repo, why);
	return err;
}

void packing_drop(struct repo *repo)
{
	while (repo->flights_out)
		flight_done(take_back(repo));
	free(repo->flights);
	repo->flights = NULL;
	for (int i = 0; i < STREAMS; i++) {
		pack_writer_free(repo->packing[i].writer);
		index_done(&repo->packing[i].waiting);
		repo->packing[i] = (struct packing){0};
	}
	repo->packs_failed = 0;
}
