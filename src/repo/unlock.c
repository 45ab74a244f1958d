/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which slot a key opens. While keys rotate a key has two slots, the old one and its successor: the
 * newest head names the one that counts. A key that may only write cannot ask the head; it goes by
 * the older slot while both are there, for what is sealed under that can be read in any case.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "place/place.h"
#include "repo/inner.h"

/* So many slots that one key opens are looked at: two are usual at most. */
enum { CANDIDATES = 8 };

/* Nor are more passphrases tried than this, since each takes its time. */
enum { PASSPHRASES = 32 };

struct candidate {
	struct object_id slot;
	uint8_t sum[32];
	struct slot_opened opened;
};

struct key_search {
	struct repo *repo;
	const struct unlock *unlock; /* NULL: what repo->own opens */
	size_t slots, tries;
	int damaged; /* an error other than that a slot belongs to somebody else */
	struct why damage;
	struct candidate found[CANDIDATES];
	size_t count;
};

static void search_done(struct key_search *search)
{
	for (size_t i = 0; i < search->count; i++)
		slot_opened_done(&search->found[i].opened);
}

static int open_slot(const struct key_search *search, const uint8_t *bytes, size_t len,
	struct slot_opened *ret_opened, struct why *why)
{
	if (!search->unlock)
		return slot_reopen(bytes, len, &search->repo->own, ret_opened, why);
	return slot_open(bytes, len, search->unlock, ret_opened, why);
}

static bool try_slot(void *arg, const char *name, uint64_t size)
{
	struct key_search *search = arg;
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.repo = search->repo->id};
	struct candidate *found = &search->found[search->count];
	struct why why = {""};
	size_t len;
	bool mended;
	(void)size;
	if (!object_parse_name(name, &want.kind, &want.id) || want.kind != OBJECT_KEY)
		return true;
	search->slots++;
	int err = object_fetch(search->repo->world.place, &want, &bytes, &len, &mended, &why);
	if (!err)
		err = open_slot(search, bytes, len, &found->opened, &why);
	if (!err) {
		found->slot = want.id;
		SHA256(bytes, len, found->sum);
		search->count++;
	} else if (err != -EACCES) {
		search->damaged = err;
		search->damage = why;
	}
	search->tries += search->unlock && search->unlock->passphrase;
	return search->count < CANDIDATES && search->tries < PASSPHRASES;
}

void repo_take_key(struct repo *repo, struct slot_opened *opened, const struct object_id *slot,
	const uint8_t sum[32])
{
	slot_opened_done(&repo->own);
	repo->own = *opened;
	*opened = (struct slot_opened){0};
	repo->ring = repo->own.ring;
	repo->slot = *slot;
	memcpy(repo->slot_sum, sum, sizeof(repo->slot_sum));
	repo->with = seal_with_ring(repo->ring, repo->world.dice, repo->world.clock);
}

/* Puts the candidate in force; swapping again takes it back. */
static void swap_key(struct repo *repo, struct candidate *candidate)
{
	struct candidate before = {repo->slot, {0}, repo->own};
	memcpy(before.sum, repo->slot_sum, sizeof(before.sum));
	repo->own = (struct slot_opened){0};
	if (candidate->opened.ring) {
		repo_take_key(repo, &candidate->opened, &candidate->slot, candidate->sum);
	} else {
		repo->ring = NULL;
	}
	*candidate = before;
}

static int by_epoch(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->opened.epoch > y->opened.epoch) - (x->opened.epoch < y->opened.epoch);
}

/* The newest of them whose ring the head goes by. */
static int choose(struct key_search *search, uint64_t newest, struct why *why)
{
	struct repo *repo = search->repo;
	int err = -EACCES;
	qsort(search->found, search->count, sizeof(search->found[0]), by_epoch);
	if (search->found[0].opened.ring->write_only || !newest) {
		swap_key(repo, &search->found[0]);
		return 0;
	}
	for (size_t i = search->count; i-- > 0;) {
		swap_key(repo, &search->found[i]);
		err = repo_read_head(repo, newest, why);
		if (!err)
			return 0;
		swap_key(repo, &search->found[i]);
		/* A head that could not be read is no reason to try older keys on it. */
		if (err != -EBADMSG && err != -EACCES && err != -EKEYEXPIRED)
			return err;
	}
	if (err == -EKEYEXPIRED)
		err = why_set(why, -EACCES,
			"this key was taken away from the repository: newer keys are in force");
	return err;
}

static void search_own(struct key_search **search)
{
	if (*search)
		search_done(*search);
	free(*search);
}

int repo_find_key(struct repo *repo, const struct unlock *unlock, uint64_t newest, struct why *why)
{
	OWN(search_own) struct key_search *search = calloc(1, sizeof(*search));
	if (!search)
		return -ENOMEM;
	search->repo = repo;
	search->unlock = unlock;
	int err = place_list(repo->world.place, "key", try_slot, search);
	if (err)
		return why_errno(why, err, "key: listing the key slots");
	err = search->count ? choose(search, newest, why) : -EACCES;
	/* The slot that counts may be the one that could not be read. */
	if (!err || (search->count && (!search->damaged || err != -EACCES)))
		return err;
	if (!search->slots)
		return why_set(why, -EBADMSG, "key: all key slots are gone");
	if (search->damaged)
		return why_set(why, search->damaged, "%s", search->damage.text);
	return why_set(why, -EACCES, "this key opens none of the %zu key slots", search->slots);
}
