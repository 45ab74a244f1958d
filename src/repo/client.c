/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a writer that cannot read. FORMATS-REPOSITORY.md, "Writers that cannot read". */
#include "repo/client.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/map.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/box.h"
#include "chunk/gcm.h"
#include "os/clock.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/client_inner.h"
#include "repo/fields.h"
#include "repo/inner.h"

enum { VERSION = 1, SALT = 32, AT_SALT = 24, START = AT_SALT + SALT, HEX = 2 * DIGEST_SIZE + 1 };

static const char magic[8] = "EBBCLNT\n";

/* A tree or list of the last point of a resource. */
struct known_chunk {
	struct digest digest;
	enum chunk_kind kind;
	uint64_t resource;
	bool fresh; /* put by this run: its resource is told by the commit */
	size_t len;
	uint8_t bytes[];
};

struct known_point {
	uint64_t resource;
	struct point point;
};

struct client {
	uint64_t number; /* of its last inbox */
	VEC(struct known_point) points;
	struct map chunks; /* by digest in hex */
};

static const char *hex_of(const struct digest *digest, char hex[HEX])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = digits[digest->b[i] >> 4];
		hex[2 * i + 1] = digits[digest->b[i] & 15];
	}
	hex[HEX - 1] = '\0';
	return hex;
}

static void forget(struct client *client)
{
	map_each (entry, &client->chunks)
		free(entry->value);
	map_done(&client->chunks);
	vec_done(&client->points);
}

int client_new(struct client **ret_client)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	*ret_client = client;
	return 0;
}

void client_free(struct client *client)
{
	if (client)
		forget(client);
	free(client);
}

static int keep_chunk(struct client *client, const struct known_chunk *like, const uint8_t *bytes)
{
	char hex[HEX];
	struct known_chunk *known = map_get(&client->chunks, hex_of(&like->digest, hex));
	if (known) {
		known->fresh = known->fresh || like->fresh;
		return 0;
	}
	known = malloc(sizeof(*known) + like->len);
	if (!known)
		return -ENOMEM;
	*known = *like;
	memcpy(known->bytes, bytes, like->len);
	int err = map_put(&client->chunks, hex, known);
	if (err)
		free(known);
	return err;
}

int client_note(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len)
{
	if (note->kind == CHUNK_CONTENT || note->kind == CHUNK_BLOCKS)
		return 0;
	struct known_chunk chunk = {
		.digest = note->digest, .kind = note->kind, .fresh = true, .len = len};
	return keep_chunk(repo->client, &chunk, bytes);
}

int client_chunk(struct repo *repo, const struct digest *digest, enum chunk_kind kind,
	uint8_t **ret_bytes, size_t *ret_len, struct why *why)
{
	char hex[HEX];
	const struct known_chunk *known = map_get(&repo->client->chunks, hex_of(digest, hex));
	if (!known || known->kind != kind)
		return why_set(why, -ENOENT, "this key may only write: it cannot read chunks back");
	uint8_t *bytes = malloc(known->len ? known->len : 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, known->bytes, known->len);
	*ret_bytes = bytes;
	*ret_len = known->len;
	return 0;
}

int client_point(
	struct repo *repo, const struct object_id *id, struct point *ret_point, struct why *why)
{
	vec_each (known, &repo->client->points) {
		if (object_id_equal(&known->point.id, id)) {
			*ret_point = known->point;
			return 0;
		}
	}
	return why_set(why, -ENOENT, "this key may only write: it cannot read points back");
}

uint64_t client_next_number(struct repo *repo)
{
	uint64_t now = (uint64_t)clock_wall_ns(repo->world.clock);
	uint64_t next = repo->client->number + 1;
	return now > next ? now : next;
}

/* The last point of each resource stands in the head that nobody else sees. */
static int show_points(struct repo *repo)
{
	repo->head.points.len = 0;
	vec_each (known, &repo->client->points) {
		struct head_point point = {.id = known->point.id,
			.end_ns = known->point.end_ns,
			.source = known->point.source,
			.resource = known->resource};
		if (vec_push(&repo->head.points, point))
			return -ENOMEM;
	}
	return 0;
}

int client_commit(struct repo *repo, const struct point *point, uint64_t number)
{
	struct client *client = repo->client;
	struct known_point fresh = {repo_resource(repo, point->resource), *point};
	size_t kept = 0;
	client->number = number;
	vec_each (known, &client->points)
		if (known->resource != fresh.resource)
			client->points.at[kept++] = *known;
	client->points.len = kept;
	map_each (entry, &client->chunks) {
		struct known_chunk *chunk = entry->value;
		bool old = !chunk->fresh && chunk->resource == fresh.resource;
		if (chunk->fresh)
			chunk->resource = fresh.resource;
		chunk->fresh = false;
		if (old)
			free(map_remove(&client->chunks, entry->name));
	}
	int err = vec_push(&client->points, fresh);
	return err ? err : show_points(repo);
}

/* ---- to bytes and back ---- */

static void put_points(struct fields_out *out, const struct client *client)
{
	out_u32(out, (uint32_t)client->points.len);
	vec_each (known, &client->points) {
		OWN(own_free) uint8_t *body = NULL;
		size_t len = 0;
		if (point_put(&known->point, &body, &len))
			out->failed = true;
		out_u64(out, known->resource);
		out_bytes(out, known->point.id.b, sizeof(known->point.id.b));
		out_u32(out, (uint32_t)len);
		out_bytes(out, body, len);
	}
}

static void put_chunks(struct fields_out *out, struct client *client)
{
	out_u32(out, (uint32_t)client->chunks.live);
	map_each (entry, &client->chunks) {
		const struct known_chunk *chunk = entry->value;
		out_bytes(out, chunk->digest.b, DIGEST_SIZE);
		out_u8(out, (uint8_t)chunk->kind);
		out_u64(out, chunk->resource);
		out_u32(out, (uint32_t)chunk->len);
		out_bytes(out, chunk->bytes, chunk->len);
	}
}

static void put_indexes(struct fields_out *out, const struct index *index)
{
	uint32_t next = 0;
	while (!out->failed && next < index->packs.len) {
		OWN(own_free) uint8_t *body = NULL;
		size_t len;
		if (index_put(index, next, &body, &len, &next)) {
			out->failed = true;
			return;
		}
		out_u32(out, (uint32_t)len);
		out_bytes(out, body, len);
	}
	out_u32(out, 0);
}

static int cache_gcm(const struct repo *repo, const uint8_t *salt, bool seals, struct gcm **ret_gcm)
{
	uint8_t key[32];
	int err = key_derive(repo->ring->client.cache_key, 32, salt, SALT, "ebb cache 1", key);
	*ret_gcm = err ? NULL : gcm_new(key, seals);
	OPENSSL_cleanse(key, sizeof(key));
	return *ret_gcm ? 0 : -ENOMEM;
}

int client_seal(struct repo *repo, const char what[8], const struct fields_out *plain,
	uint8_t **ret_bytes, size_t *ret_len)
{
	OWN(gcm_own) struct gcm *gcm = NULL;
	struct box_chance chance = {&repo->own.key, repo->world.dice, repo->world.clock};
	OWN(own_free) uint8_t *bytes = plain->failed ? NULL : malloc(START + plain->len + GCM_TAG);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, what, sizeof(magic));
	memcpy(bytes + 8, repo->id.b, sizeof(repo->id.b));
	int err = box_fresh(&chance, "ebb cache salt 1", bytes + AT_SALT);
	if (!err)
		err = cache_gcm(repo, bytes + AT_SALT, true, &gcm);
	struct gcm_message m = {gcm_zero_nonce, bytes, plain->at, START, plain->len};
	if (!err)
		err = gcm_seal(gcm, &m, bytes + START);
	if (err)
		return err;
	*ret_bytes = TAKE(bytes);
	*ret_len = START + plain->len + GCM_TAG;
	return 0;
}

int client_open(struct repo *repo, const char what[8], const uint8_t *bytes, size_t len,
	uint8_t **ret_plain, size_t *ret_len)
{
	OWN(gcm_own) struct gcm *gcm = NULL;
	if (len < START + GCM_TAG || memcmp(bytes, what, sizeof(magic)) != 0 ||
		memcmp(bytes + 8, repo->id.b, sizeof(repo->id.b)) != 0)
		return -EBADMSG;
	OWN(own_free) uint8_t *plain = malloc(len);
	int err = plain ? cache_gcm(repo, bytes + AT_SALT, false, &gcm) : -ENOMEM;
	struct gcm_message m = {gcm_zero_nonce, bytes, bytes + START, START, len - START};
	if (!err)
		err = gcm_open(gcm, &m, plain);
	if (err)
		return err;
	*ret_plain = TAKE(plain);
	*ret_len = len - START - GCM_TAG;
	return 0;
}

int repo_client_save(struct repo *repo, bool packs, uint8_t **ret_bytes, size_t *ret_len)
{
	static const struct index none;
	OWN(out_done) struct fields_out out = {0};
	out_u64(&out, repo->client->number);
	put_points(&out, repo->client);
	put_chunks(&out, repo->client);
	put_indexes(&out, packs ? &repo->index : &none);
	return client_seal(repo, magic, &out, ret_bytes, ret_len);
}

static int get_points(struct fields_in *in, struct client *client)
{
	uint32_t count = in_u32(in);
	for (uint32_t i = 0; i < count && !in->bad; i++) {
		struct known_point known = {.resource = in_u64(in)};
		struct object_id id;
		in_bytes(in, id.b, sizeof(id.b));
		uint32_t len = in_u32(in);
		const uint8_t *body = in_piece(in, len);
		if (!body || point_get(body, len, &known.point, NULL))
			return -EBADMSG;
		known.point.id = id;
		if (vec_push(&client->points, known))
			return -ENOMEM;
	}
	return 0;
}

static int get_chunks(struct fields_in *in, struct client *client)
{
	uint32_t count = in_u32(in);
	for (uint32_t i = 0; i < count && !in->bad; i++) {
		struct known_chunk chunk = {0};
		in_bytes(in, chunk.digest.b, DIGEST_SIZE);
		chunk.kind = (enum chunk_kind)in_u8(in);
		chunk.resource = in_u64(in);
		chunk.len = in_u32(in);
		const uint8_t *bytes = in_piece(in, chunk.len);
		int err = bytes ? keep_chunk(client, &chunk, bytes) : -EBADMSG;
		if (err)
			return err;
	}
	return 0;
}

static int get_indexes(struct fields_in *in, struct index *index)
{
	uint32_t len;
	while ((len = in_u32(in)) != 0) {
		const uint8_t *body = in_piece(in, len);
		int err = body ? index_get(index, body, len, NULL) : -EBADMSG;
		if (err)
			return err;
	}
	return in_done(in) ? 0 : -EBADMSG;
}

/* Takes over what lies in packs that the place still has. True: all of it. */
static int take_present(struct repo *repo, const struct index *known, bool *ret_all)
{
	OWN(own_free) uint32_t *numbers = calloc(known->packs.len + 1, sizeof(*numbers));
	int err = numbers ? 0 : -ENOMEM;
	*ret_all = true;
	for (size_t i = 0; !err && i < known->packs.len; i++) {
		char name[OBJECT_NAME];
		uint64_t size;
		const struct index_pack pack = {
			.id = known->packs.at[i].id, .kind = known->packs.at[i].kind};
		numbers[i] = UINT32_MAX;
		if (place_size(repo->world.place, object_name(pack.kind, &pack.id, name), &size))
			*ret_all = false;
		else
			err = index_add_pack(&repo->index, &pack, &numbers[i]);
	}
	vec_each (entry, &known->entries)
		if (!err && numbers[entry->pack] != UINT32_MAX)
			err = index_add(&repo->index, numbers[entry->pack], &entry->at);
	cache_all_told(repo);
	return err;
}

static void index_own(struct index *index)
{
	index_done(index);
}

static int load_plain(struct repo *repo, const uint8_t *plain, size_t len)
{
	OWN(index_own) struct index known = {0};
	struct fields_in in = {.at = plain, .end = plain + len};
	struct client *client = repo->client;
	bool all;
	client->number = in_u64(&in);
	int err = get_points(&in, client);
	if (!err)
		err = get_chunks(&in, client);
	if (!err)
		err = get_indexes(&in, &known);
	if (!err)
		err = take_present(repo, &known, &all);
	/* Files taken over unread from the last point would miss what is gone. */
	if (err || !all)
		forget(client);
	return err ? err : show_points(repo);
}

int repo_client_load(struct repo *repo, const uint8_t *bytes, size_t len, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	size_t plain_len;
	int err = client_open(repo, magic, bytes, len, &plain, &plain_len);
	if (!err)
		err = load_plain(repo, plain, plain_len);
	return err ? why_set(why, err, "this client's memory is damaged or another's") : 0;
}
