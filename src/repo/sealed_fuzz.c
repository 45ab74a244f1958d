/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read after a seal was opened, or before: directories of packs, key slots, bundles of
 * keys, word of writers. Whoever may write can seal any bytes. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/keys.h"
#include "chunk/pack.h"
#include "chunk/seal.h"
#include "chunk/test_world.h"
#include "repo/inbox.h"
#include "repo/inner.h"
#include "repo/slot.h"
#include "repo/test_mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct test_dice dice;
	struct test_clock clock;
};

/* A pack of up to 15 segments of no meaning, and the directory that the input is. */
static void fuzz_directory(struct world *w, const uint8_t *data, size_t len)
{
	struct key_ring *ring;
	struct sealer *sealer;
	struct pack_directory directory;
	uint32_t count = data[0] % 16;
	size_t sealed = len - 1 + SEAL_TAG, at = SEAL_BODY + 4096;
	size_t total = at + sealed + PACK_TAIL;
	OWN(own_free) uint8_t *bytes = calloc(1, total);
	struct object_header header = {.kind = OBJECT_DATA, .length = total};
	must(bytes && !key_ring_make(&w->dice.dice, &ring));
	struct seal_with with = seal_with_ring(ring, &w->dice.dice, &w->clock.clock);
	object_put_header(bytes, &header);
	must(!sealer_new(&header, &with, bytes + OBJECT_HEADER, &sealer));
	for (uint32_t i = 0; i < count; i++)
		must(!seal_segment(sealer, data, 1, bytes + SEAL_BODY));
	must(!seal_segment(sealer, data + 1, len - 1, bytes + at));
	sealer_free(sealer);
	uint8_t *tail = bytes + total - PACK_TAIL;
	put_le64(tail, at);
	put_le32(tail + 8, (uint32_t)sealed);
	put_le32(tail + 12, count);
	put_le64(tail + 24, hash64(tail, 24, 0));
	if (!pack_read_directory(bytes, total, ring, &directory, NULL)) {
		must(directory.count == count);
		for (size_t i = 0; i < count; i++)
			must(directory.entries[i].offset + (uint64_t)directory.entries[i].length <=
				at);
		pack_directory_done(&directory);
	}
	key_ring_free(ring);
}

static void fuzz_slot(const uint8_t *data, size_t len)
{
	static const uint8_t secret[SECRET_SIZE];
	struct unlock unlock = {.secret = secret};
	struct slot_opened opened;
	struct object_id key;
	uint32_t epoch;
	slot_look(data, len, &key, &epoch);
	must(slot_open(data, len, &unlock, &opened, NULL) != 0);
}

static void fuzz_bundle(const uint8_t *data, size_t len)
{
	struct key_ring *ring;
	uint8_t again[KEY_BUNDLE_MAX];
	if (key_ring_get(data, len, &ring, NULL))
		return;
	key_ring_put(ring, again);
	must(memcmp(again, data, len) == 0);
	key_ring_free(ring);
}

static void fuzz_writer_bundle(const uint8_t *data, size_t len)
{
	struct key_ring *ring;
	if (!key_ring_get_writer(data, len, &ring, NULL))
		key_ring_free(ring);
}

/* A whole repository with one word of nobody's in its inbox: refused, and all else as before. */
static void fuzz_inbox(struct world *w, const uint8_t *data, size_t len)
{
	static const struct repo_options options = {.parity_percent = 3};
	struct mem_place mem;
	struct repo *repo;
	struct object_header header = {.kind = OBJECT_INBOX, .id = {{1}}};
	struct inbox_options how = {.walk = NULL};
	struct inbox_result result;
	uint8_t secret[SECRET_SIZE];
	struct why why;
	mem_init(&mem);
	struct repo_world at = {
		.place = &mem.place, .dice = &w->dice.dice, .clock = &w->clock.clock};
	must(!repo_init(&at, &options, secret, &why) && !repo_open(&at, secret, 0, &repo, &why));
	must(!repo_store(repo, &header, data, len, &why));
	if (!repo_inbox_adopt(repo, &how, &result, &why))
		must(!result.adopted && repo_head(repo)->generation == 1);
	repo_close(repo);
	mem_done(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w;
	if (len < 2)
		return 0;
	test_world_init(&w.dice, &w.clock, 1);
	if (data[0] % 5 == 0)
		fuzz_directory(&w, data + 1, len - 1);
	else if (data[0] % 5 == 1)
		fuzz_slot(data + 1, len - 1);
	else if (data[0] % 5 == 2)
		fuzz_bundle(data + 1, len - 1);
	else if (data[0] % 5 == 3)
		fuzz_writer_bundle(data + 1, len - 1);
	else
		fuzz_inbox(&w, data + 1, len - 1);
	return 0;
}
