/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots first, then the head that names them, then away with those that it no longer names.
 *
 * Invariants:
 *   1. the newest head names a slot for each key, durable before the head, and in it the keys that
 *      the head is sealed and signed with
 *   2. a slot that the newest head may name is never removed: after a put whose outcome is not
 *      known, new ones stay as well
 *   3. nothing is sealed under an epoch before a head is
 */
#include "repo/keys.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "chunk/box.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/inner.h"

/* How often others may come between. */
enum { TRIES = 20 };

const char *repo_key_type(uint8_t type)
{
	static const char *const types[SLOT_TYPES] = {
		[SLOT_PASSPHRASE] = "passphrase",
		[SLOT_SECRET] = "secret",
		[SLOT_RECOVERY] = "recovery",
		[SLOT_WRITER] = "write-only",
	};
	return type < SLOT_TYPES && types[type] ? types[type] : "unknown";
}

static int check_full(const struct repo *repo, struct why *why)
{
	return repo->ring->write_only
		? why_set(why, -EACCES, "this key may only write: it cannot change keys")
		: 0;
}

/*
 * What stays is swept by the next rotation. But a failure is told: a place that failed once to make
 * names durable may lose later ones as well.
 */
static int remove_slot(struct repo *repo, const struct object_id *slot, struct why *why)
{
	char name[OBJECT_NAME];
	int err = place_remove(repo->world.place, object_name(OBJECT_KEY, slot, name));
	return err && err != -ENOENT
		? why_errno(why, err, "%s: it counts no more, but could not be removed", name)
		: 0;
}

/* ---- adding ---- */

struct adding {
	struct repo *repo;
	struct head_key key;
	uint32_t epoch; /* under which its slot was made */
};

static int name_key(void *arg, struct head *head, struct why *why)
{
	struct adding *adding = arg;
	if (head_find_key(head, &adding->key.id))
		return HEAD_AS_IS;
	if (adding->epoch != adding->repo->ring->epoch_count - 1)
		return -EAGAIN;
	if (head->keys.len >= HEAD_KEYS_MAX)
		return why_set(
			why, -ENOSPC, "there are %d keys, which is the limit", HEAD_KEYS_MAX);
	return vec_push(&head->keys, adding->key);
}

static int put_new_slot(struct adding *adding, const struct key_new *key, struct why *why)
{
	struct repo *repo = adding->repo;
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header header = {.kind = OBJECT_KEY, .repo = repo->id};
	struct slot_want want = {key->type, adding->key.id, key->unlock, key->cost};
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	struct box_chance chance = {&header.id, repo->world.dice, repo->world.clock};
	adding->epoch = repo->ring->epoch_count - 1;
	adding->key.slot = header.id;
	int err = slot_make(&header, repo->ring, &want, &chance, &bytes, why);
	if (!err && planted(KEYS_HEAD_UNSLOTTED)) {
		SHA256(bytes, header.length, adding->key.sum);
		return 0;
	}
	return err ? err : repo_store_slot(repo, &header, bytes, adding->key.sum, why);
}

int repo_key_add(
	struct repo *repo, const struct key_new *key, struct object_id *ret_id, struct why *why)
{
	struct adding adding = {.repo = repo};
	int err = check_full(repo, why);
	if (err)
		return err;
	adding.key.type = (uint8_t)key->type;
	adding.key.made_ns = clock_wall_ns(repo->world.clock);
	snprintf(adding.key.label, sizeof(adding.key.label), "%s", key->label ? key->label : "");
	dice_fill(repo->world.dice, adding.key.id.b, sizeof(adding.key.id.b));
	err = -EAGAIN;
	for (int tries = 0; err == -EAGAIN && tries < TRIES; tries++) {
		err = put_new_slot(&adding, key, why);
		if (!err)
			err = repo_edit_head(repo, name_key, &adding, why);
		if (err == -EAGAIN && remove_slot(repo, &adding.key.slot, why))
			return -EIO;
	}
	if (!err)
		*ret_id = adding.key.id;
	return err;
}

/* ---- taking away ---- */

struct removing {
	const struct repo *repo;
	struct object_id id, slot;
};

static int forget_key(void *arg, struct head *head, struct why *why)
{
	struct removing *removing = arg;
	char hex[33];
	size_t full = 0;
	struct head_key *key = head_find_key(head, &removing->id);
	object_show_id(&removing->id, hex);
	if (!key)
		return why_set(why, -ENOENT, "there is no key %.8s", hex);
	vec_each (one, &head->keys)
		full += one->type != SLOT_WRITER;
	if (key->type != SLOT_WRITER && full == 1)
		return why_set(why, -EPERM,
			"key %.8s is the last one that can read: without it all is lost", hex);
	if (object_id_equal(&removing->id, &removing->repo->own.key))
		return why_set(why, -EPERM,
			"key %.8s is the one in use: take it away with another one", hex);
	removing->slot = key->slot;
	*key = head->keys.at[--head->keys.len];
	return 0;
}

int repo_key_rm(struct repo *repo, const struct object_id *id, struct why *why)
{
	struct removing removing = {.repo = repo, .id = *id};
	int err = check_full(repo, why);
	if (!err)
		err = repo_edit_head(repo, forget_key, &removing, why);
	return err ? err : remove_slot(repo, &removing.slot, why);
}

/* ---- rotating ---- */

struct renewed {
	struct object_id key, before, slot;
	uint8_t sum[32];
};

struct rotating {
	struct repo *repo;
	struct key_ring *ring; /* with the new epoch */
	VEC(struct renewed) slots;
};

static void rotating_done(struct rotating *rotating)
{
	key_ring_free(rotating->ring);
	vec_done(&rotating->slots);
}

/* A new object for the same holder. */
static int renew_slot(struct rotating *rotating, const struct head_key *key, struct why *why)
{
	struct repo *repo = rotating->repo;
	OWN(own_free) uint8_t *old = NULL;
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.kind = OBJECT_KEY, .repo = repo->id, .id = key->slot};
	struct object_header header = {.kind = OBJECT_KEY, .repo = repo->id};
	struct renewed renewed = {.key = key->id, .before = key->slot};
	uint8_t sum[32];
	size_t len;
	bool mended;
	int err = object_fetch(repo->world.place, &want, &old, &len, &mended, why);
	if (err)
		return err;
	/* A box for a key that somebody slipped in would hand him everything. */
	if (!SHA256(old, len, sum) || memcmp(sum, key->sum, sizeof(sum)) != 0)
		return why_set(why, -EBADMSG, "its slot is not the one that the head names");
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	if (planted(KEYS_SLOT_IN_PLACE))
		header.id = key->slot;
	struct box_chance chance = {&header.id, repo->world.dice, repo->world.clock};
	err = slot_renew(&header, rotating->ring, old, len, &chance, &bytes);
	if (!err)
		err = repo_store_slot(repo, &header, bytes, renewed.sum, why);
	renewed.slot = header.id;
	return err ? err : vec_push(&rotating->slots, renewed);
}

static int renew_slots(struct rotating *rotating, struct why *why)
{
	char hex[33];
	const struct head *head = &rotating->repo->head;
	for (size_t i = 0; i < head->keys.len; i++) {
		int err = renew_slot(rotating, &head->keys.at[i], why);
		if (err)
			return why_prefix(why, err, "key %.8s (remove it if it is of no use)",
				object_show_id(&head->keys.at[i].id, hex));
	}
	return 0;
}

static const struct renewed *find_renewed(
	const struct rotating *rotating, const struct head_key *key)
{
	vec_each (renewed, &rotating->slots)
		if (object_id_equal(&renewed->key, &key->id) &&
			object_id_equal(&renewed->before, &key->slot))
			return renewed;
	return NULL;
}

static int name_renewed(void *arg, struct head *head, struct why *why)
{
	struct rotating *rotating = arg;
	const struct key_ring *now = rotating->repo->ring;
	(void)why;
	/* A put whose answer was lost: it did what it should. */
	if (key_ring_continues(now, rotating->ring))
		return HEAD_AS_IS;
	if (now->epoch_count + 1 != rotating->ring->epoch_count)
		return -EAGAIN;
	vec_each (key, &head->keys) {
		const struct renewed *renewed = find_renewed(rotating, key);
		if (!renewed)
			return -EAGAIN;
		key->slot = renewed->slot;
		memcpy(key->sum, renewed->sum, sizeof(key->sum));
	}
	return 0;
}

/* The key in use goes on with its new slot. */
static void use_renewed(struct rotating *rotating)
{
	struct repo *repo = rotating->repo;
	vec_each (renewed, &rotating->slots) {
		if (!object_id_equal(&renewed->key, &repo->own.key) ||
			object_id_equal(&renewed->slot, &repo->slot))
			continue;
		struct slot_opened opened = {.key = repo->own.key,
			.type = repo->own.type,
			.epoch = rotating->ring->epoch_count - 1,
			.ring = TAKE(rotating->ring)};
		memcpy(opened.private_key, repo->own.private_key, sizeof(opened.private_key));
		repo_take_key(repo, &opened, &renewed->slot, renewed->sum);
		return;
	}
}

struct sweep {
	struct repo *repo;
	VEC(struct object_id) old;
};

static bool note_old_slot(void *arg, const char *name, uint64_t size)
{
	struct sweep *sweep = arg;
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.repo = sweep->repo->id};
	struct object_id key;
	uint32_t epoch;
	size_t len;
	bool mended;
	(void)size;
	if (!object_parse_name(name, &want.kind, &want.id) || want.kind != OBJECT_KEY ||
		object_fetch(sweep->repo->world.place, &want, &bytes, &len, &mended, NULL) ||
		slot_look(bytes, len, &key, &epoch))
		return true;
	/* Of this epoch and later ones somebody may be about to name one. */
	if (epoch < sweep->repo->ring->epoch_count - 1 || planted(KEYS_SWEEP_ALL))
		(void)!vec_push(&sweep->old, want.id);
	return true;
}

/* Removes slots of earlier epochs, those of rotations that were cut short among them. */
static int sweep_slots(struct repo *repo, struct why *why)
{
	struct sweep sweep = {.repo = repo};
	int err = place_list(repo->world.place, "key", note_old_slot, &sweep);
	for (size_t i = 0; !err && i < sweep.old.len; i++)
		err = remove_slot(repo, &sweep.old.at[i], why);
	vec_done(&sweep.old);
	return err;
}

static int remove_renewed(const struct rotating *rotating, bool before, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < rotating->slots.len; i++) {
		const struct renewed *renewed = &rotating->slots.at[i];
		err = remove_slot(rotating->repo, before ? &renewed->before : &renewed->slot, why);
	}
	return err;
}

static int try_rotate(struct repo *repo, struct why *why)
{
	OWN(rotating_done) struct rotating rotating = {.repo = repo};
	int err = repo_find_head(repo, repo->head.generation, why);
	if (!err)
		err = key_ring_copy(repo->ring, &rotating.ring);
	if (!err)
		err = key_ring_rotate(rotating.ring, repo->world.dice, why);
	if (!err)
		err = renew_slots(&rotating, why);
	if (err)
		return err;
	if (planted(KEYS_OLD_SLOTS_FIRST))
		(void)remove_renewed(&rotating, true, why);
	err = repo_edit_head_as(repo, rotating.ring, name_renewed, &rotating, why);
	/* Only when no head of ours can be there. */
	if (err == -EAGAIN || (err && planted(KEYS_DROPPED_IN_DOUBT)))
		err = remove_renewed(&rotating, false, why) ? -EIO : err;
	if (err)
		return err;
	use_renewed(&rotating);
	return sweep_slots(repo, why);
}

int repo_key_rotate(struct repo *repo, struct why *why)
{
	int err = check_full(repo, why);
	if (err)
		return err;
	err = -EAGAIN;
	for (int tries = 0; err == -EAGAIN && tries < TRIES; tries++)
		err = try_rotate(repo, why);
	return err == -EAGAIN ? why_set(why, err, "others change keys all the time: try again")
			      : err;
}
