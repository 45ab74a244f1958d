/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word of a point, written and taken in.
 *
 * A writer is not trusted: his key may be stolen. Nothing that he says is taken over but what was
 * proved: each chunk by its name, the point by following it.
 */
#include "repo/inbox.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/client_inner.h"
#include "repo/fields.h"
#include "repo/inner.h"

enum { VERSION = 1, PUBLIC = 32, PACK = 17, PURPOSE = 11 };

static const char purpose[PURPOSE + 1] = "ebb inbox 1";

struct inbox {
	struct object_id key, point;
	uint64_t number;
	uint8_t point_sum[32];
	VEC(struct index_pack) packs;
	uint8_t sign_public[PUBLIC];
};

static void inbox_done(struct inbox *inbox)
{
	vec_done(&inbox->packs);
}

/* Purpose and repository, then the fields. */
static int begin_signed(const struct object_id *repo, struct fields_out *out)
{
	out_bytes(out, purpose, PURPOSE);
	out_bytes(out, repo->b, sizeof(repo->b));
	return out->failed ? -ENOMEM : 0;
}

/* ---- the writer's side ---- */

static int sum_of_point(struct repo *repo, const struct object_id *id, uint8_t ret_sum[32],
	uint8_t **ret_bytes, size_t *ret_len, struct why *why)
{
	struct object_header want = {.kind = OBJECT_POINT, .repo = repo->id, .id = *id};
	bool mended;
	int err = object_fetch(repo->world.place, &want, ret_bytes, ret_len, &mended, why);
	if (!err && !SHA256(*ret_bytes, *ret_len, ret_sum))
		err = -EIO;
	return err;
}

static int put_numbered(struct repo *repo, const struct point *point, uint32_t first_pack,
	uint64_t number, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	uint8_t signature[SIGNATURE_SIZE];
	struct object_header header = {.kind = OBJECT_INBOX};
	size_t start = PURPOSE + sizeof(repo->id.b);
	int err = begin_signed(&repo->id, &out);
	out_u32(&out, VERSION);
	out_u32(&out, 0);
	out_bytes(&out, repo->own.key.b, sizeof(repo->own.key.b));
	out_u64(&out, number);
	out_bytes(&out, point->id.b, sizeof(point->id.b));
	out_bytes(&out, repo->last_sum, sizeof(repo->last_sum));
	out_u32(&out, (uint32_t)repo->index.packs.len - first_pack);
	for (size_t i = first_pack; i < repo->index.packs.len; i++) {
		out_bytes(&out, repo->index.packs.at[i].id.b, sizeof(struct object_id));
		out_u8(&out, repo->index.packs.at[i].kind == OBJECT_DATA);
	}
	out_bytes(&out, repo->ring->client.sign_public, PUBLIC);
	if (out.failed)
		err = -ENOMEM;
	if (!err)
		err = key_sign(repo->ring->client.sign_key, out.at, out.len, signature);
	out_bytes(&out, signature, sizeof(signature));
	if (err || out.failed)
		return err ? err : -ENOMEM;
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	err = repo_store(repo, &header, out.at + start, out.len - start, why);
	return err ? err : client_commit(repo, point, number);
}

/* Another run of the same key must not come in between with a number above ours. */
int inbox_put(struct repo *repo, const struct point *point, uint32_t first_pack, struct why *why)
{
	const struct client_notes *notes = &repo->notes;
	uint64_t number = client_next_number(repo);
	int err = notes->raise ? notes->raise(notes->arg, &number, why) : 0;
	if (err)
		return err;
	err = put_numbered(repo, point, first_pack, number, why);
	if (notes->release)
		notes->release(notes->arg);
	return err;
}

/* ---- the reader's side ---- */

static int parse(const uint8_t *body, size_t len, struct inbox *inbox)
{
	struct fields_in in = {.at = body, .end = body + len};
	if (in_u32(&in) != VERSION || in_u32(&in))
		return -ENOTSUP;
	in_bytes(&in, inbox->key.b, sizeof(inbox->key.b));
	inbox->number = in_u64(&in);
	in_bytes(&in, inbox->point.b, sizeof(inbox->point.b));
	in_bytes(&in, inbox->point_sum, sizeof(inbox->point_sum));
	uint32_t count = in_u32(&in);
	if (!in_has(&in, count, PACK))
		return -EBADMSG;
	if (vec_reserve(&inbox->packs, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct index_pack pack = {0};
		in_bytes(&in, pack.id.b, sizeof(pack.id.b));
		pack.kind = in_u8(&in) ? OBJECT_DATA : OBJECT_META;
		inbox->packs.at[inbox->packs.len++] = pack;
	}
	in_bytes(&in, inbox->sign_public, PUBLIC);
	in_piece(&in, SIGNATURE_SIZE);
	return in_done(&in) ? 0 : -EBADMSG;
}

/* Whether the writer whom it names signed it, and may still write. */
static int check_signer(struct repo *repo, const struct inbox *inbox, const uint8_t *body,
	size_t len, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	struct key_client client;
	const struct head_key *key = head_find_key(&repo->head, &inbox->key);
	if ((!key || key->type != SLOT_WRITER) && !planted(INBOX_OF_ANYBODY))
		return why_set(
			why, -EACCES, "its key is none of this repository, or was taken away");
	int err = key_ring_client(repo->ring, &inbox->key, &client);
	if (!err)
		err = begin_signed(&repo->id, &out);
	out_bytes(&out, body, len - SIGNATURE_SIZE);
	if (err || out.failed)
		return err ? err : -ENOMEM;
	if ((memcmp(client.sign_public, inbox->sign_public, PUBLIC) != 0 ||
		    key_check_signature(
			    client.sign_public, out.at, out.len, body + len - SIGNATURE_SIZE)) &&
		!planted(INBOX_UNSIGNED))
		return why_set(why, -EACCES, "it is not signed by the key that it names");
	if (key && inbox->number <= key->adopted && !planted(INBOX_TWICE))
		return why_set(why, -ESTALE, "it is old: a later one of its key was taken in");
	return 0;
}

static int prove_chunks(struct repo *repo, const uint8_t *bytes, size_t len,
	const struct pack_directory *directory, struct why *why)
{
	struct opener *opener;
	int err = opener_new(bytes, len, repo->ring, &opener, why);
	if (err)
		return err;
	for (size_t i = 0; !err && i < directory->count; i++)
		if (!repo_chunk_whole(repo, opener, bytes, &directory->entries[i]) &&
			!planted(INBOX_UNPROVED))
			err = why_set(why, -EBADMSG, "chunk %zu is not what its name says", i + 1);
	opener_free(opener);
	return err;
}

/* What the index shall tell; nothing of an object that is damaged. */
static int find_length(struct repo *repo, const char *name, bool damaged, uint64_t *ret_length)
{
	return damaged || !repo_tells_lengths(repo)
		? 0
		: place_size(repo->world.place, name, ret_length);
}

/* Reads a pack whole, proves every chunk, and only then lets the index know them. */
static int take_pack(struct repo *repo, const struct index_pack *pack, struct inbox_result *result,
	struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.kind = pack->kind, .repo = repo->id, .id = pack->id};
	struct pack_directory directory = {0};
	struct index_pack taken = *pack;
	char name[OBJECT_NAME];
	size_t len;
	bool mended;
	object_name(pack->kind, &pack->id, name);
	vec_each (known, &repo->index.packs)
		if (object_id_equal(&known->id, &pack->id))
			return 0;
	/* Word of it came too late: it soaked as what nobody needs, and is on its way out. */
	if (head_doomed(&repo->head, &pack->id) && !planted(INBOX_OF_THE_DEAD))
		return why_set(why, -ESTALE,
			"%s: a collection has removed it since it was brought: its next backup "
			"brings it anew",
			name);
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, why);
	if (!err)
		err = pack_read_directory(bytes, len, repo->ring, &directory, why);
	if (!err)
		err = prove_chunks(repo, bytes, len, &directory, why);
	if (!err)
		err = find_length(repo, name, mended, &taken.length);
	if (!err)
		err = cache_add_pack(repo, &taken, directory.entries, directory.count, why);
	result->packs += !err;
	result->chunks += err ? 0 : directory.count;
	pack_directory_done(&directory);
	return err ? why_prefix(why, err, "%s", name) : 0;
}

static int need_chunk(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct repo *repo = arg;
	(void)kind;
	(void)leads_on;
	int known = repo_rely(repo, digest);
	return known ? known : -ENOENT;
}

static int take_point(struct repo *repo, const struct inbox *inbox, gc_walk_fn *walk,
	struct point *ret_point, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	OWN(own_free) uint8_t *plain = NULL;
	uint8_t sum[32];
	size_t len, plain_len;
	int err = sum_of_point(repo, &inbox->point, sum, &bytes, &len, why);
	if (!err && memcmp(sum, inbox->point_sum, sizeof(sum)) != 0)
		err = why_set(why, -EBADMSG, "another point lies where its point was");
	if (!err)
		err = open_whole(bytes, len, repo->ring, &plain, &plain_len, why);
	if (!err)
		must(SHA256(plain, plain_len, repo->point_sum));
	if (!err)
		err = point_get(plain, plain_len, ret_point, why);
	if (err)
		return err;
	ret_point->id = inbox->point;
	err = planted(INBOX_BEFORE_PACKS) ? 0 : walk(repo, ret_point, need_chunk, repo, why);
	return err == -ENOENT ? why_set(why, err, "its point needs a chunk that is not there")
			      : err;
}

static int take_in(struct repo *repo, const struct object_id *id,
	const struct inbox_options *options, struct inbox_result *result, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	OWN(inbox_done) struct inbox inbox = {0};
	struct point point;
	char name[OBJECT_NAME];
	size_t len;
	int err = repo_fetch(repo, OBJECT_INBOX, id, &body, &len, why);
	if (!err && parse(body, len, &inbox))
		err = why_set(why, -EBADMSG, "it is damaged, or of a newer ebb");
	if (!err)
		err = check_signer(repo, &inbox, body, len, why);
	/* Taken in before, by a run that ended before it removed the word of it. */
	if (err == -ESTALE && head_find_point(&repo->head, &inbox.point))
		return 0;
	if (!err && planted(INBOX_BEFORE_PACKS))
		err = take_point(repo, &inbox, options->walk, &point, why);
	if (!err && planted(INBOX_BEFORE_PACKS))
		err = repo_commit_brought(repo, &point, &inbox.key, inbox.number, why);
	for (size_t i = 0; !err && i < inbox.packs.len; i++)
		err = take_pack(repo, &inbox.packs.at[i], result, why);
	if (!err)
		err = take_point(repo, &inbox, options->walk, &point, why);
	if (!err && planted(INBOX_WORD_GONE_FIRST))
		err = place_remove(repo->world.place, object_name(OBJECT_INBOX, id, name));
	if (!err)
		err = repo_commit_brought(repo, &point, &inbox.key, inbox.number, why);
	result->adopted += !err;
	return err;
}

struct listing {
	VEC(struct object_id) ids;
	bool failed;
};

static bool note_inbox(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	enum object_kind kind;
	struct object_id id;
	(void)size;
	if (object_parse_name(name, &kind, &id) && kind == OBJECT_INBOX)
		listing->failed = vec_push(&listing->ids, id) != 0;
	return !listing->failed;
}

static void listing_done(struct listing *listing)
{
	vec_done(&listing->ids);
}

/* By number, so that of one writer none is overtaken by a later one. */
struct numbered {
	struct object_id id;
	uint64_t number;
};

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order = (x->number > y->number) - (x->number < y->number);
	return planted(INBOX_OVERTAKEN) ? -order : order;
}

static int number_of(
	struct repo *repo, const struct object_id *id, uint64_t *ret_number, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	OWN(inbox_done) struct inbox inbox = {0};
	size_t len;
	int err = repo_fetch(repo, OBJECT_INBOX, id, &body, &len, why);
	if (!err && parse(body, len, &inbox))
		err = why_set(why, -EBADMSG, "it is damaged, or of a newer ebb");
	if (err && planted(INBOX_LINE_LOST))
		return 0;
	if (!err)
		*ret_number = inbox.number;
	return err;
}

/* What the world did is an error; what the writer did is a refusal. */
static bool is_refusal(int err)
{
	return err == -EACCES || err == -EBADMSG || err == -ENOENT || err == -ENOTSUP ||
		err == -ESTALE;
}

static void tell(
	const struct inbox_options *options, const struct object_id *id, const struct why *why)
{
	char name[OBJECT_NAME];
	if (options->on_inbox)
		options->on_inbox(options->arg, object_name(OBJECT_INBOX, id, name), why);
}

static int take_each(struct repo *repo, const struct numbered *list, size_t count,
	const struct inbox_options *options, struct inbox_result *result)
{
	char name[OBJECT_NAME];
	int err = 0;
	for (size_t i = 0; i < count; i++) {
		struct why why = {""};
		object_name(OBJECT_INBOX, &list[i].id, name);
		err = take_in(repo, &list[i].id, options, result, &why);
		if (err && !is_refusal(err))
			return err;
		result->refused += err != 0;
		tell(options, &list[i].id, err ? &why : NULL);
		if (!err && (err = place_remove(repo->world.place, name)) && err != -ENOENT)
			return err;
	}
	return 0;
}

/*
 * The numbers of all, before any is taken in: one that could not be read now and a moment later
 * could would come after a later one of its key, and be refused for ever.
 */
static int take_all(struct repo *repo, const struct listing *listing,
	const struct inbox_options *options, struct numbered *list, struct inbox_result *result)
{
	size_t count = 0;
	for (size_t i = 0; i < listing->ids.len; i++) {
		struct why why = {""};
		list[count] = (struct numbered){.id = listing->ids.at[i]};
		int err = number_of(repo, &list[count].id, &list[count].number, &why);
		if (err && !is_refusal(err))
			return err;
		result->refused += err != 0;
		if (err)
			tell(options, &listing->ids.at[i], &why);
		count += !err;
	}
	qsort(list, count, sizeof(*list), by_number);
	return take_each(repo, list, count, options, result);
}

int repo_inbox_adopt(struct repo *repo, const struct inbox_options *options,
	struct inbox_result *ret_result, struct why *why)
{
	OWN(listing_done) struct listing listing = {0};
	struct inbox_result result = {0};
	int err = place_list(repo->world.place, "inbox", note_inbox, &listing);
	if (err || listing.failed)
		return why_errno(why, err ? err : -ENOMEM, "inbox: listing it");
	OWN(own_free) struct numbered *list = calloc(listing.ids.len + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	err = take_all(repo, &listing, options, list, &result);
	*ret_result = result;
	return err ? why_errno(why, err, "taking in the inbox") : 0;
}
