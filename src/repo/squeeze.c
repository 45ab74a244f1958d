/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks on their way through the crew, twice: first for their name, which tells whether they are
 * known, then, those that are new, to be compressed. Small ones have their names already, and go in
 * bundles: a thread is not woken for a few microseconds of work.
 *
 * A load is what goes at once: one long chunk, or a bundle. Its room is lent to the reader, so that
 * what is read is not copied before it is packed.
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

/*
 * FREE -> LENT -> NAMING -> FREE (known) or PACKING -> FREE, a chunk in a lent room;
 * FREE -> FILLING -> PACKING -> FREE, a bundle; FREE -> PACKING -> FREE, a long chunk with a name.
 */
enum load_state { FREE, LENT, FILLING, NAMING, PACKING };

/* How much goes in a bundle: some 100 microseconds of work. */
enum { BUNDLE_CHUNKS = 64, BUNDLE_BYTES = 96 << 10 };

/* One chunk with room for its header before it, and what it becomes. */
struct item {
	struct blob_note note;
	size_t at, len; /* in the load's room */
	const uint8_t *blob;
	size_t blob_len;
};

/* Where a load is compressed to. Given on from load to load, the last one first: few are touched.
 */
struct packed {
	uint8_t *bytes;
	size_t cap;
};

struct load {
	struct task task;
	enum load_state state;
	struct squeezing *squeezing;
	struct digester *digester;
	struct digest_list *list; /* where the name is wanted, and at which place */
	size_t at;
	uint8_t *room; /* as long as `cap` and a header for each chunk */
	size_t used, cap;
	struct packed packed; /* while PACKING */
	unsigned count;
	int level, err;
	struct item items[BUNDLE_CHUNKS];
};

/* A codec is large: there is one for each hand, taken and given back by whoever works. */
struct squeezing {
	_Atomic(struct codec *) *codecs;
	unsigned hands, count, out, naming;
	unsigned chunks, waits; /* since the last look at the headroom */
	uint64_t place_waits;
	struct load *filling; /* NULL: none */
	struct packed *spare; /* room for one of each load */
	unsigned spares;
	struct load all[];
};

/*
 * More than hands, so that none is idle while chunks come in bursts; and besides those out, two
 * with the reader and one that fills.
 */
enum { PER_HAND = 2, NOT_OUT = 3, RESERVE_LEAST = 1 << 20 };

/* Loads between two looks, and how many waits in them are many. */
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

static void pack(struct load *load)
{
	struct codec *codec = take_codec(load->squeezing);
	codec_set_level(codec, load->level);
	for (unsigned i = 0; i < load->count; i++) {
		struct item *item = &load->items[i];
		item->blob = codec_pack_over(codec, load->room + item->at, item->len,
			load->packed.bytes + item->at, &item->blob_len);
	}
	give_codec(load->squeezing, codec);
}

static void work(struct task *task)
{
	struct load *load = container_of(task, struct load, task);
	struct item *first = load->items;
	if (load->state == PACKING)
		pack(load);
	else
		load->err = digest_of(load->digester, first->note.kind,
			load->room + first->at + BLOB_HEADER, first->len, &first->note.digest);
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
		struct load *load = &squeezing->all[i];
		load->task.work = work;
		load->squeezing = squeezing;
		int err = digester_new(repo->ring->id_key, &load->digester);
		if (err)
			return err;
	}
	return 0;
}

static int begin(struct repo *repo)
{
	unsigned hands = crew_hands(repo->world.crew), count = hands * PER_HAND + NOT_OUT;
	struct squeezing *squeezing = calloc(1, sizeof(*squeezing) + count * sizeof(struct load));
	if (!squeezing)
		return -ENOMEM;
	repo->squeezing = squeezing;
	squeezing->hands = hands;
	squeezing->codecs = calloc(hands, sizeof(*squeezing->codecs));
	squeezing->spare = calloc(count, sizeof(*squeezing->spare));
	if (!squeezing->codecs || !squeezing->spare)
		return -ENOMEM;
	squeezing->count = count;
	return fill(repo, squeezing);
}

/* Once for all but the longest: what is not touched takes no memory. */
static int reserve(struct load *load, size_t len)
{
	if (len <= load->cap)
		return 0;
	if (len < RESERVE_LEAST)
		len = RESERVE_LEAST;
	free(load->room);
	load->cap = 0;
	load->room = malloc(len + BUNDLE_CHUNKS * BLOB_HEADER);
	if (!load->room)
		return -ENOMEM;
	load->cap = len;
	return 0;
}

static void give(struct repo *repo, struct load *load, enum load_state state)
{
	load->state = state;
	load->level = repo->level;
	repo->squeezing->naming += state == NAMING;
	repo->squeezing->out++;
	crew_give(repo->world.crew, &load->task);
}

/* A load that cannot be compressed for want of memory is let go: its chunks are not stored. */
static int give_packing(struct repo *repo, struct load *load, struct why *why)
{
	struct squeezing *squeezing = repo->squeezing;
	struct packed packed = {0};
	if (squeezing->spares)
		packed = squeezing->spare[--squeezing->spares];
	if (packed.cap < load->cap) {
		free(packed.bytes);
		packed.cap = load->cap;
		packed.bytes = malloc(load->cap + BUNDLE_CHUNKS * BLOB_HEADER);
	}
	if (!packed.bytes) {
		load->state = FREE;
		return why_errno(why, -ENOMEM, "making room for compression");
	}
	load->packed = packed;
	give(repo, load, PACKING);
	return 0;
}

static void packed_back(struct squeezing *squeezing, struct load *load)
{
	squeezing->spare[squeezing->spares++] = load->packed;
	load->packed = (struct packed){0};
}

static struct load *take_back(struct repo *repo)
{
	struct task *task = crew_take(repo->world.crew);
	struct load *load = container_of(task, struct load, task);
	repo->squeezing->out--;
	repo->squeezing->naming -= load->state == NAMING;
	return load;
}

/* A chunk that has its name: known, and then done with, or new and on to be compressed. */
static int named(struct repo *repo, struct load *load, struct why *why)
{
	const struct digest *digest = &load->items[0].note.digest;
	load->list->at[load->at] = *digest;
	load->state = FREE;
	int known = repo_known(repo, digest, why);
	if (known)
		return known < 0 ? known : 0;
	repo->written.new_chunks++;
	repo->written.new_bytes += load->items[0].len;
	return give_packing(repo, load, why);
}

static int finish_one(struct repo *repo, struct why *why)
{
	struct load *load = take_back(repo);
	int err = load->err;
	if (err) {
		load->state = FREE;
		return why_errno(why, err, "compressing a chunk");
	}
	if (load->state == NAMING)
		return named(repo, load, why);
	for (unsigned i = 0; !err && i < load->count; i++) {
		const struct item *item = &load->items[i];
		err = repo_add_blob(repo, &item->note, item->blob, item->blob_len, why);
	}
	packed_back(repo->squeezing, load);
	/* Not before: their names must be known somewhere all the time. */
	load->state = FREE;
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

static int find_free(struct repo *repo, size_t len, struct load **ret_free, struct why *why)
{
	int err = repo->squeezing ? 0 : begin(repo);
	if (err)
		return why_errno(why, err, "making room for compression");
	struct squeezing *squeezing = repo->squeezing;
	look_at_headroom(repo);
	while (!err && squeezing->out && crew_ready(repo->world.crew))
		err = finish_one(repo, why);
	while (!err && squeezing->out >= squeezing->hands * PER_HAND) {
		squeezing->waits++;
		err = finish_one(repo, why);
	}
	if (err)
		return err;
	unsigned i = 0;
	while (squeezing->all[i].state != FREE)
		i++;
	must(i < squeezing->count);
	struct load *load = &squeezing->all[i];
	load->count = 0;
	load->used = 0;
	*ret_free = load;
	return reserve(load, len) ? why_errno(why, -ENOMEM, "making room for compression") : 0;
}

/* ---- rooms that are lent ---- */

int squeeze_room(struct repo *repo, size_t len, uint8_t **ret_room, struct why *why)
{
	struct load *load;
	int err = find_free(repo, len, &load, why);
	if (err)
		return err;
	load->state = LENT;
	*ret_room = load->room + BLOB_HEADER;
	return 0;
}

static struct load *lent_with(struct repo *repo, const uint8_t *bytes)
{
	struct squeezing *squeezing = repo->squeezing;
	for (unsigned i = 0; squeezing && i < squeezing->count; i++) {
		struct load *load = &squeezing->all[i];
		if (load->state == LENT && load->room + BLOB_HEADER == bytes)
			return load;
	}
	return NULL;
}

void squeeze_room_back(struct repo *repo, const uint8_t *room)
{
	struct load *load = lent_with(repo, room);
	if (load)
		load->state = FREE;
}

void squeeze_unnamed(struct repo *repo, const uint8_t *room, size_t len, struct digest_list *list)
{
	struct load *load = lent_with(repo, room);
	must(load && len <= load->cap);
	load->items[0] = (struct item){.note.kind = CHUNK_CONTENT, .len = len};
	load->count = 1;
	load->list = list;
	load->at = list->len - 1;
	give(repo, load, NAMING);
}

/* ---- chunks that have their names ---- */

static void put_item(struct load *load, const struct blob_note *note, const void *bytes, size_t len)
{
	load->items[load->count++] = (struct item){.note = *note, .at = load->used, .len = len};
	memcpy(load->room + load->used + BLOB_HEADER, bytes, len);
	load->used += BLOB_HEADER + len;
}

static int give_bundle(struct repo *repo, struct why *why)
{
	if (!repo->squeezing || !repo->squeezing->filling)
		return 0;
	return give_packing(repo, TAKE(repo->squeezing->filling), why);
}

static int put_bundled(struct repo *repo, const struct blob_note *note, const void *bytes,
	size_t len, struct why *why)
{
	struct load *load;
	/* It would be told when the bundle is full, by a chunk that did not fail. */
	int err = packing_check(repo, why);
	if (err)
		return err;
	if (!repo->squeezing || !repo->squeezing->filling) {
		err = find_free(repo, 2 * BUNDLE_BYTES, &load, why);
		if (err)
			return err;
		load->state = FILLING;
		repo->squeezing->filling = load;
	}
	load = repo->squeezing->filling;
	put_item(load, note, bytes, len);
	bool full = load->count == BUNDLE_CHUNKS || load->used >= BUNDLE_BYTES;
	return full ? give_bundle(repo, why) : 0;
}

int squeeze_named(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len,
	struct why *why)
{
	struct load *load;
	if (len < BUNDLE_BYTES)
		return put_bundled(repo, note, bytes, len, why);
	int err = find_free(repo, len, &load, why);
	if (err)
		return err;
	put_item(load, note, bytes, len);
	return give_packing(repo, load, why);
}

bool squeeze_has(const struct repo *repo, const struct digest *digest)
{
	const struct squeezing *squeezing = repo->squeezing;
	for (unsigned i = 0; squeezing && i < squeezing->count; i++) {
		const struct load *load = &squeezing->all[i];
		if (load->state != PACKING && load->state != FILLING)
			continue;
		for (unsigned j = 0; j < load->count; j++)
			if (memcmp(load->items[j].note.digest.b, digest->b, DIGEST_SIZE) == 0)
				return true;
	}
	return false;
}

/* ---- the end ---- */

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
	int err = give_bundle(repo, why);
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
		free(squeezing->all[i].packed.bytes);
	}
	for (unsigned i = 0; i < squeezing->spares; i++)
		free(squeezing->spare[i].bytes);
	free(squeezing->spare);
	free(squeezing->codecs);
	free(squeezing);
	repo->squeezing = NULL;
}
