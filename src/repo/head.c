/* SPDX-License-Identifier: Apache-2.0 */
/* The head's bytes and its signature. */
#include "repo/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "chunk/keys.h"
#include "repo/fields.h"

/* KEY: at least, without the label. */
enum {
	VERSION = 1,
	PUBLIC = 32,
	SIGNATURE = SIGNATURE_SIZE,
	POINT = 68,
	INDEX = 48,
	RETIRED = 34,
	KEY = 83,
	TWIN = 24
};

static const char purpose[] = "ebb head 1";

void head_done(struct head *head)
{
	vec_done(&head->points);
	vec_done(&head->indexes);
	vec_done(&head->retired);
	vec_done(&head->keys);
	vec_done(&head->twins);
}

#define COPY(list) \
	do { \
		copy.list.at = NULL; \
		copy.list.len = copy.list.cap = 0; \
		vec_each (one, &head->list) \
			failed = failed || vec_push(&copy.list, *one); \
	} while (0)

int head_copy(const struct head *head, struct head *ret_head)
{
	struct head copy = *head;
	bool failed = false;
	COPY(points);
	COPY(indexes);
	COPY(retired);
	COPY(keys);
	COPY(twins);
	if (failed) {
		head_done(&copy);
		return -ENOMEM;
	}
	*ret_head = copy;
	return 0;
}

struct head_key *head_find_key(const struct head *head, const struct object_id *id)
{
	vec_each (key, &head->keys)
		if (object_id_equal(&key->id, id))
			return key;
	return NULL;
}

int head_note_twin(struct head *head, const struct object_id *repo, uint64_t generation)
{
	const struct head_twin fresh = {*repo, generation};
	vec_each (twin, &head->twins) {
		if (!object_id_equal(&twin->repo, repo))
			continue;
		if (twin->generation < generation)
			twin->generation = generation;
		return 0;
	}
	/* The one that was noted first makes room: it is likely gone. */
	if (head->twins.len == HEAD_TWINS_MAX) {
		memmove(head->twins.at, head->twins.at + 1,
			(HEAD_TWINS_MAX - 1) * sizeof(*head->twins.at));
		head->twins.len--;
	}
	return vec_push(&head->twins, fresh);
}

struct head_point *head_find_point(const struct head *head, const struct object_id *id)
{
	vec_each (point, &head->points)
		if (object_id_equal(&point->id, id))
			return point;
	return NULL;
}

struct head_index *head_find_index(const struct head *head, const struct object_id *id)
{
	vec_each (index, &head->indexes)
		if (object_id_equal(&index->id, id))
			return index;
	return NULL;
}

bool head_doomed(const struct head *head, const struct object_id *id)
{
	vec_each (retired, &head->retired)
		if (retired->state == RETIRED_DEAD && object_id_equal(&retired->id, id))
			return true;
	return false;
}

static void put_fields(const struct head *head, struct fields_out *out)
{
	out_u32(out, VERSION);
	out_u32(out, head->capabilities);
	out_u64(out, head->generation);
	out_bytes(out, head->previous, sizeof(head->previous));
	out_u64(out, (uint64_t)head->wall_ns);
	out_u64(out, head->collected);
	out_u32(out, (uint32_t)head->points.len);
	vec_each (point, &head->points) {
		out_bytes(out, point->id.b, sizeof(point->id.b));
		out_u64(out, (uint64_t)point->end_ns);
		out_u8(out, point->flags);
		out_u8(out, (uint8_t)point->source);
		out_u8(out, point->changed);
		out_u8(out, point->dense);
		out_u64(out, point->resource);
		out_bytes(out, point->sum, sizeof(point->sum));
	}
	out_u32(out, (uint32_t)head->indexes.len);
	vec_each (index, &head->indexes) {
		out_bytes(out, index->id.b, sizeof(index->id.b));
		out_bytes(out, index->sum, sizeof(index->sum));
	}
	out_u32(out, (uint32_t)head->retired.len);
	vec_each (retired, &head->retired) {
		out_bytes(out, retired->id.b, sizeof(retired->id.b));
		out_u8(out, (uint8_t)retired->kind);
		out_u8(out, (uint8_t)retired->state);
		out_u64(out, retired->since);
		out_u64(out, (uint64_t)retired->since_ns);
	}
	out_u32(out, (uint32_t)head->keys.len);
	vec_each (key, &head->keys) {
		out_bytes(out, key->id.b, sizeof(key->id.b));
		out_bytes(out, key->slot.b, sizeof(key->slot.b));
		out_bytes(out, key->sum, sizeof(key->sum));
		out_u8(out, key->type);
		out_u64(out, (uint64_t)key->made_ns);
		out_u64(out, key->adopted);
		out_text(out, key->label);
	}
	out_bytes(out, head->repo_sum, sizeof(head->repo_sum));
	out_u32(out, (uint32_t)head->twins.len);
	vec_each (twin, &head->twins) {
		out_bytes(out, twin->repo.b, sizeof(twin->repo.b));
		out_u64(out, twin->generation);
	}
}

/* What is signed: the purpose, the repository, the fields and the public key. */
static int signed_bytes(const struct object_id *repo, const uint8_t *fields, size_t len,
	uint8_t **ret_bytes, size_t *ret_len)
{
	size_t start = sizeof(purpose) - 1 + sizeof(repo->b);
	uint8_t *bytes = malloc(start + len);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, purpose, sizeof(purpose) - 1);
	memcpy(bytes + sizeof(purpose) - 1, repo->b, sizeof(repo->b));
	memcpy(bytes + start, fields, len);
	*ret_bytes = bytes;
	*ret_len = start + len;
	return 0;
}

int head_put(const struct head *head, const struct object_id *repo, const struct key_ring *ring,
	uint8_t **ret_body, size_t *ret_len)
{
	const struct key_epoch *epoch = &ring->epochs[ring->epoch_count - 1];
	OWN(out_done) struct fields_out out = {0};
	OWN(own_free) uint8_t *bytes = NULL;
	uint8_t signature[SIGNATURE];
	size_t len;
	put_fields(head, &out);
	out_bytes(&out, epoch->sign_public, PUBLIC);
	if (out.failed)
		return -ENOMEM;
	int err = signed_bytes(repo, out.at, out.len, &bytes, &len);
	if (!err)
		err = key_sign(epoch->sign_key, bytes, len, signature);
	if (err)
		return err;
	out_bytes(&out, signature, sizeof(signature));
	if (out.failed)
		return -ENOMEM;
	*ret_body = TAKE(out.at);
	*ret_len = out.len;
	return 0;
}

static int get_points(struct fields_in *in, struct head *head)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, POINT) || vec_reserve(&head->points, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct head_point *point = &head->points.at[head->points.len++];
		in_bytes(in, point->id.b, sizeof(point->id.b));
		point->end_ns = (int64_t)in_u64(in);
		point->flags = in_u8(in) & HEAD_POINT_FLAGS;
		point->source = (enum point_source)in_u8(in);
		point->changed = in_u8(in);
		point->dense = in_u8(in);
		point->resource = in_u64(in);
		in_bytes(in, point->sum, sizeof(point->sum));
	}
	return 0;
}

static int get_indexes(struct fields_in *in, struct head *head)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, INDEX) || vec_reserve(&head->indexes, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct head_index *index = &head->indexes.at[head->indexes.len++];
		in_bytes(in, index->id.b, sizeof(index->id.b));
		in_bytes(in, index->sum, sizeof(index->sum));
	}
	return 0;
}

static int get_retired(struct fields_in *in, struct head *head)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, RETIRED) || vec_reserve(&head->retired, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct head_retired *retired = &head->retired.at[head->retired.len++];
		in_bytes(in, retired->id.b, sizeof(retired->id.b));
		retired->kind = (enum object_kind)in_u8(in);
		retired->state = (enum retired_state)in_u8(in);
		retired->since = in_u64(in);
		retired->since_ns = (int64_t)in_u64(in);
		if (retired->state < RETIRED_TOMBSTONED || retired->state > RETIRED_DEAD ||
			retired->kind < OBJECT_DATA || retired->kind > OBJECT_POINT)
			in->bad = true;
	}
	return 0;
}

static int get_keys(struct fields_in *in, struct head *head)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, KEY) || vec_reserve(&head->keys, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct head_key *key = &head->keys.at[head->keys.len++];
		in_bytes(in, key->id.b, sizeof(key->id.b));
		in_bytes(in, key->slot.b, sizeof(key->slot.b));
		in_bytes(in, key->sum, sizeof(key->sum));
		key->type = in_u8(in);
		key->made_ns = (int64_t)in_u64(in);
		key->adopted = in_u64(in);
		in_text(in, key->label, sizeof(key->label));
	}
	in_bytes(in, head->repo_sum, sizeof(head->repo_sum));
	return 0;
}

static int get_twins(struct fields_in *in, struct head *head)
{
	uint32_t count = in_u32(in);
	if (count > HEAD_TWINS_MAX)
		in->bad = true;
	if (in->bad || !in_has(in, count, TWIN) || vec_reserve(&head->twins, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct head_twin *twin = &head->twins.at[head->twins.len++];
		in_bytes(in, twin->repo.b, sizeof(twin->repo.b));
		twin->generation = in_u64(in);
	}
	return 0;
}

/*
 * Whether a key of the ring signed `body`, whose last fields are public key and signature, and
 * which.
 */
static int get_signature(const uint8_t *body, size_t len, const struct object_id *repo,
	const struct key_ring *ring, uint32_t *ret_signer)
{
	const uint8_t *public_key = body + len - SIGNATURE - PUBLIC;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t signed_len;
	bool known = false;
	for (uint32_t i = 0; i < ring->epoch_count; i++) {
		if (memcmp(ring->epochs[i].sign_public, public_key, PUBLIC) != 0)
			continue;
		known = true;
		*ret_signer = i;
	}
	if (!known)
		return -EBADMSG;
	int err = signed_bytes(repo, body, len - SIGNATURE, &bytes, &signed_len);
	return err ? err
		   : key_check_signature(public_key, bytes, signed_len, body + len - SIGNATURE);
}

static int get_fields(struct fields_in *in, struct head *head)
{
	head->generation = in_u64(in);
	in_bytes(in, head->previous, sizeof(head->previous));
	head->wall_ns = (int64_t)in_u64(in);
	head->collected = in_u64(in);
	int err = get_points(in, head);
	if (!err)
		err = get_indexes(in, head);
	if (!err)
		err = get_retired(in, head);
	if (!err)
		err = get_keys(in, head);
	if (!err)
		err = get_twins(in, head);
	in_piece(in, PUBLIC + SIGNATURE);
	return in->bad || !in_done(in) ? -EBADMSG : err;
}

int head_get(const uint8_t *body, size_t len, const struct object_id *repo,
	const struct key_ring *ring, struct head *ret_head, struct why *why)
{
	struct fields_in in = {.at = body, .end = body + len};
	OWN(head_done) struct head head = {0};
	uint32_t version = in_u32(&in);
	if (!in.bad && version != VERSION)
		return why_set(
			why, -ENOTSUP, "written by a newer ebb (head %u): use that one", version);
	head.capabilities = in_u32(&in);
	if (!in.bad && head.capabilities & ~(uint32_t)HEAD_CAPABILITIES)
		return why_set(why, -ENOTSUP,
			"written by a newer ebb (head with capabilities 0x%x): use that one",
			head.capabilities);
	int err = get_fields(&in, &head);
	if (err)
		return why_set(why, err, "the head is damaged");
	err = get_signature(body, len, repo, ring, &head.signer);
	if (err)
		return why_set(why, err, "the head is not signed by a key of this repository");
	*ret_head = head;
	head = (struct head){0};
	return 0;
}
