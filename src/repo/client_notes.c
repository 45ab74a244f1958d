/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes of packs that no inbox tells of yet. The place is asked for no more than a length: it keeps
 * objects whole under names that nobody can guess, and what was noted lay in the pack when it was
 * closed. Word of them is proved like any other by whoever takes it in.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/client.h"
#include "repo/client_inner.h"

static const char magic[8] = "EBBNOTE\n";

void repo_client_set_notes(struct repo *repo, const struct client_notes *notes)
{
	repo->notes = *notes;
}

static void index_own(struct index *index)
{
	index_done(index);
}

static int put_note(
	const struct index_pack *noted, const struct pack_result *pack, struct fields_out *out)
{
	OWN(index_own) struct index index = {0};
	OWN(own_free) uint8_t *body = NULL;
	uint32_t number, next;
	size_t len;
	int err = index_add_pack(&index, noted, &number);
	for (size_t i = 0; !err && i < pack->count; i++)
		err = index_add(&index, number, &pack->entries[i]);
	if (!err)
		err = index_put(&index, 0, &body, &len, &next);
	if (!err)
		out_bytes(out, body, len);
	return err;
}

void client_note_pack(struct repo *repo, enum object_kind kind, const struct pack_result *pack)
{
	OWN(out_done) struct fields_out out = {0};
	OWN(own_free) uint8_t *bytes = NULL;
	const struct index_pack noted = {.id = pack->id, .kind = kind, .length = pack->len};
	size_t len;
	if (!repo->client || !repo->notes.keep)
		return;
	if (!put_note(&noted, pack, &out) && !client_seal(repo, magic, &out, &bytes, &len))
		repo->notes.keep(repo->notes.arg, &pack->id, bytes, len);
}

static bool is_known(const struct repo *repo, const struct object_id *id)
{
	vec_each (pack, &repo->index.packs)
		if (object_id_equal(&pack->id, id))
			return true;
	return false;
}

/* Its name may not have been durable when its writer died. */
static bool is_there(struct repo *repo, const struct index_pack *pack)
{
	char name[OBJECT_NAME];
	uint64_t size;
	object_name(pack->kind, &pack->id, name);
	return planted(CLIENT_NOTE_BELIEVED) ||
		(!place_size(repo->world.place, name, &size) && size == pack->length &&
			!place_settle(repo->world.place, name));
}

int repo_client_take_note(struct repo *repo, const uint8_t *bytes, size_t len, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	OWN(index_own) struct index noted = {0};
	size_t plain_len;
	int err = client_open(repo, magic, bytes, len, &plain, &plain_len);
	if (!err)
		err = index_get(&noted, plain, plain_len, NULL);
	if (!err && noted.packs.len != 1)
		err = -EBADMSG;
	if (err)
		return why_set(why, err, "a note of this client is damaged or another's");
	struct index_pack pack = noted.packs.at[0];
	repo_take_up(repo);
	if (is_known(repo, &pack.id) || !is_there(repo, &pack))
		return 0;
	OWN(own_free) struct pack_entry *list = calloc(noted.entries.len + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < noted.entries.len; i++)
		list[i] = noted.entries.at[i].at;
	pack.length = 0;
	repo->written.adopted_packs++;
	return cache_add_pack(repo, &pack, list, noted.entries.len, why);
}
