/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a repository: the slot of its key, then `repo`, which is where two who make one at once
 * are told apart, then the first head. One that was cut short before its head gets it when it is
 * opened.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "chunk/box.h"
#include "chunk/parity.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/fields.h"
#include "repo/inner.h"

static int put_repo_object(const struct repo_world *world, const struct repo_options *options,
	const struct object_id *id, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	uint8_t start[OBJECT_HEADER] = {0};
	uint64_t written = 0;
	struct object_header header = {.kind = OBJECT_REPO, .repo = *id, .id = *id};
	out_bytes(&out, start, sizeof(start));
	out_u32(&out, REPO_FORMAT);
	out_u32(&out, 0);
	out_text(&out, REPO_NEEDS_THIS);
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

int repo_store_slot(struct repo *repo, const struct object_header *header, const uint8_t *bytes,
	uint8_t ret_sum[32], struct why *why)
{
	if (!SHA256(bytes, header->length, ret_sum))
		return -EIO;
	return object_store(repo->world.place, header, bytes, PARITY_PERCENT_MAX,
		&repo->written.written_bytes, why);
}

/* The first slot, whose key is in force from then on. */
static int put_first_slot(
	struct repo *repo, const struct slot_want *want, struct key_ring **ring, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header header = {.kind = OBJECT_KEY, .repo = repo->id};
	struct slot_opened opened = {.key = want->key, .type = want->type};
	uint8_t sum[32];
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	struct box_chance chance = {&header.id, repo->world.dice, repo->world.clock};
	int err = slot_make(&header, *ring, want, &chance, &bytes, why);
	if (!err)
		err = repo_store_slot(repo, &header, bytes, sum, why);
	if (err)
		return err;
	opened.ring = TAKE(*ring);
	repo_take_key(repo, &opened, &header.id, sum);
	return 0;
}

static int check_options(const struct repo_options *options, struct why *why)
{
	uint32_t pack_size = options->pack_size ? options->pack_size : PACK_SIZE;
	if (options->parity_percent < 1 || options->parity_percent > PARITY_PERCENT_MAX)
		return why_set(why, -EINVAL, "parity of %u %%: it may be 1 to %d",
			options->parity_percent, PARITY_PERCENT_MAX);
	if (pack_size < PACK_SIZE_MIN || pack_size > PACK_SIZE_MAX)
		return why_set(
			why, -EINVAL, "packs of %" PRIu32 " bytes: 1MiB to 128MiB", pack_size);
	return 0;
}

static int name_first_key(void *arg, struct head *head, struct why *why)
{
	const struct repo *repo = arg;
	struct head_key key = {
		.id = repo->own.key,
		.slot = repo->slot,
		.type = (uint8_t)repo->own.type,
		.made_ns = clock_wall_ns(repo->world.clock),
	};
	if (head->generation)
		return why_set(why, -EEXIST, "somebody else has begun this repository");
	memcpy(key.sum, repo->slot_sum, sizeof(key.sum));
	head->capabilities = HEAD_CAPABILITIES;
	snprintf(key.label, sizeof(key.label), "first");
	return vec_push(&head->keys, key);
}

static bool note_any(void *arg, const char *name, uint64_t size)
{
	bool *any = arg;
	(void)name;
	(void)size;
	*any = true;
	return false;
}

/* Before the first head nothing else is written: what is there tells that heads were removed. */
static int check_untouched(struct repo *repo, struct why *why)
{
	static const char *const folders[] = {"data", "meta", "index", "point"};
	bool any = false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int err = place_list(repo->world.place, folders[i], note_any, &any);
		if (err)
			return why_errno(why, err, "%s: listing it", folders[i]);
	}
	return any ? why_set(why, -EBADMSG, "head: all heads are gone, and data are there") : 0;
}

int repo_first_head(struct repo *repo, struct why *why)
{
	int err = repo->ring->write_only ? why_set(why, -EBADMSG, "head: all heads are gone")
					 : check_untouched(repo, why);
	return err ? err : repo_edit_head(repo, name_first_key, repo, why);
}

static int make(struct repo *repo, const struct repo_options *options, struct slot_want *want,
	struct why *why)
{
	struct key_ring *ring = NULL;
	dice_fill(repo->world.dice, repo->id.b, sizeof(repo->id.b));
	dice_fill(repo->world.dice, want->key.b, sizeof(want->key.b));
	int err = options->ring ? key_ring_copy(options->ring, &ring)
				: key_ring_make(repo->world.dice, &ring);
	if (err)
		return why_errno(why, err, "making keys");
	err = put_first_slot(repo, want, &ring, why);
	key_ring_free(ring);
	if (!err)
		err = put_repo_object(&repo->world, options, &repo->id, why);
	if (!err)
		err = repo_read_parameters(repo, why);
	return err ? err : repo_first_head(repo, why);
}

static void repo_own(struct repo **repo)
{
	repo_close(*repo);
}

int repo_init_with(const struct repo_world *world, const struct repo_options *options,
	const struct unlock *unlock, struct why *why)
{
	uint64_t size;
	struct slot_want want = {.type = unlock->passphrase ? SLOT_PASSPHRASE : SLOT_SECRET,
		.unlock = unlock,
		.cost = options->cost.passes ? options->cost : passphrase_floor};
	OWN(repo_own) struct repo *repo = calloc(1, sizeof(*repo));
	if (!repo)
		return -ENOMEM;
	repo->world = *world;
	pack_memory_init(&repo->pack_memory);
	int err = check_options(options, why);
	if (!err && !place_size(world->place, "repo", &size))
		err = why_set(why, -EEXIST, "there is a repository already");
	if (!err)
		err = make(repo, options, &want, why);
	return err ? err : repo_put_reserve(world, options->reserve, why);
}

int repo_init(const struct repo_world *world, const struct repo_options *options,
	uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	uint8_t secret[SECRET_SIZE];
	struct unlock unlock = {.secret = secret};
	dice_fill(world->dice, secret, sizeof(secret));
	int err = repo_init_with(world, options, &unlock, why);
	if (!err)
		memcpy(ret_secret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return err;
}
