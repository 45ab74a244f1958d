/* SPDX-License-Identifier: Apache-2.0 */
/* Objects on their way to the place and back: parity, header, seal. */
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "chunk/object.h"
#include "chunk/parity.h"
#include "place/place.h"
#include "repo/inner.h"

/*
 * Mends the object, or takes it as it is when only its parity is beyond use: what it holds still
 * has to pass header, seal and digests. Returns the length of header and body.
 */
static int mend(uint8_t *bytes, size_t len, const struct object_id *id, size_t *ret_len,
	bool *ret_mended, struct why *why)
{
	struct parity_report report;
	struct object_header header;
	int err = parity_repair(bytes, len, id, &report, why);
	if (!err) {
		*ret_len = report.length;
		*ret_mended = report.damaged || report.marks_damaged;
		return 0;
	}
	if (err == -EBADMSG && !object_get_header(bytes, len, &header, NULL) &&
		header.length <= len) {
		*ret_len = header.length;
		*ret_mended = true;
		return 0;
	}
	return err;
}

int object_fetch(struct place *place, const struct object_header *want, uint8_t **ret_bytes,
	size_t *ret_len, bool *ret_mended, struct why *why)
{
	char name[OBJECT_NAME];
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header header;
	size_t len, body_len;
	object_name(want->kind, &want->id, name);
	int err = place_get_whole(place, name, OBJECT_WHOLE_MAX, &bytes, &len);
	if (err == -ENOENT)
		return why_set(why, err, "%s: it is gone", name);
	if (err)
		return why_errno(why, err, "%s", name);
	err = mend(bytes, len, &want->id, &body_len, ret_mended, why);
	if (!err)
		err = object_get_header(bytes, body_len, &header, why);
	if (!err)
		err = object_is(&header, want->kind, &want->repo, &want->id, why);
	if (!err && header.length != body_len)
		err = why_set(why, -EBADMSG, "its header tells another length");
	if (err)
		return why_prefix(why, err, "%s", name);
	*ret_bytes = TAKE(bytes);
	*ret_len = body_len;
	return 0;
}

int object_store(struct place *place, const struct object_header *header, const uint8_t *bytes,
	unsigned parity_percent, uint64_t *ret_written, struct why *why)
{
	char name[OBJECT_NAME];
	size_t total = header->length + parity_size(header->length, parity_percent);
	OWN(own_free) uint8_t *whole = malloc(total);
	if (!whole)
		return -ENOMEM;
	memcpy(whole, bytes, header->length);
	int err = parity_add(whole, header->length, parity_percent, &header->id);
	if (err)
		return err;
	object_name(header->kind, &header->id, name);
	/* Heads and the repository itself are what writers may race for. */
	if (header->kind == OBJECT_HEAD || header->kind == OBJECT_REPO)
		err = place_put_new(place, name, whole, total, why);
	else
		err = place_put(place, name, whole, total, why);
	if (!err)
		*ret_written += total;
	return err;
}

int repo_fetch(struct repo *repo, enum object_kind kind, const struct object_id *id,
	uint8_t **ret_plain, size_t *ret_len, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.kind = kind, .repo = repo->id, .id = *id};
	bool mended = false;
	size_t len;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, why);
	if (err)
		return err;
	repo->mended += mended;
	err = open_whole(bytes, len, repo->ring, ret_plain, ret_len, why);
	if (err) {
		char name[OBJECT_NAME];
		return why_prefix(why, err, "%s", object_name(kind, id, name));
	}
	return 0;
}

bool body_is(const uint8_t *body, size_t len, const uint8_t sum[32])
{
	uint8_t own[SHA256_DIGEST_LENGTH];
	must(SHA256(body, len, own));
	return memcmp(own, sum, sizeof(own)) == 0 || planted(REPO_SUM_UNCHECKED);
}

int repo_fetch_index(struct repo *repo, const struct head_index *index, uint8_t **ret_plain,
	size_t *ret_len, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	char name[OBJECT_NAME];
	size_t len;
	int err = repo_fetch(repo, OBJECT_INDEX, &index->id, &plain, &len, why);
	if (err)
		return err;
	if (!body_is(plain, len, index->sum))
		return why_set(why, -EBADMSG, "%s: it is not the one that the head names",
			object_name(OBJECT_INDEX, &index->id, name));
	*ret_plain = TAKE(plain);
	*ret_len = len;
	return 0;
}

int repo_store(struct repo *repo, struct object_header *header, const uint8_t *body, size_t len,
	struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	size_t bytes_len;
	header->repo = repo->id;
	int err = seal_whole(header, &repo->with, body, len, &bytes, &bytes_len);
	if (err)
		return why_errno(why, err, "sealing an object");
	if (!SHA256(bytes, bytes_len, repo->last_sum))
		return -EIO;
	return object_store(repo->world.place, header, bytes, repo->parity_percent,
		&repo->written.written_bytes, why);
}
