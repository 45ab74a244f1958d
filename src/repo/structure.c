/* SPDX-License-Identifier: Apache-2.0 */
/* One look at each part. Packs are read at their ends only, where their directories lie. */
#include "repo/structure.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "place/place.h"
#include "repo/inner.h"

/* An object at the place. */
struct found {
	enum object_kind kind;
	struct object_id id;
	uint64_t size;
	bool named;
};

struct structure {
	struct repo *repo;
	const struct structure_options *options;
	struct structure_result result;
	VEC(struct found) found; /* sorted */
	bool failed;
};

static void structure_done(struct structure *s)
{
	vec_done(&s->found);
}

static void tell(
	struct structure *s, enum object_kind kind, const struct object_id *id, const char *what)
{
	char name[OBJECT_NAME], text[OBJECT_NAME + 500];
	snprintf(text, sizeof(text), "%s: %s", object_name(kind, id, name), what);
	s->result.troubles++;
	if (s->options->on_trouble)
		s->options->on_trouble(s->options->arg, text);
}

/* ---- what is there ---- */

static bool note(void *arg, const char *name, uint64_t size)
{
	struct structure *s = arg;
	struct found found = {.size = size};
	if (object_parse_name(name, &found.kind, &found.id))
		s->failed = s->failed || vec_push(&s->found, found);
	return !s->failed;
}

static int by_name(const void *a, const void *b)
{
	const struct found *one = a, *other = b;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return memcmp(&one->id, &other->id, sizeof(one->id));
}

static int list(struct structure *s, struct why *why)
{
	static const char *const folders[] = {"data", "meta", "index", "point", "head"};
	int err = 0;
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(folders[0]); i++)
		err = place_list(s->repo->world.place, folders[i], note, s);
	if (!err && s->failed)
		err = -ENOMEM;
	if (err)
		return why_errno(why, err, "listing the objects");
	if (s->found.len)
		qsort(s->found.at, s->found.len, sizeof(*s->found.at), by_name);
	return 0;
}

/* NULL: it is not there, and that was told. */
static struct found *find(struct structure *s, enum object_kind kind, const struct object_id *id)
{
	struct found key = {.kind = kind, .id = *id}, *found = NULL;
	if (s->found.len)
		found = bsearch(&key, s->found.at, s->found.len, sizeof(key), by_name);
	if (found)
		found->named = true;
	else
		tell(s, kind, id, "it is gone");
	return found;
}

/* ---- heads ---- */

/* One head of the chain: opened, and its sum for the one behind it. False: it was told. */
static bool read_head(
	struct structure *s, uint64_t generation, struct head *ret_head, uint8_t ret_sum[32])
{
	struct repo *repo = s->repo;
	OWN(own_free) uint8_t *bytes = NULL;
	OWN(own_free) uint8_t *plain = NULL;
	struct object_header want = {
		.kind = OBJECT_HEAD, .repo = repo->id, .id = object_head_id(generation)};
	struct why why = {""};
	size_t len, plain_len;
	bool mended;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, &why);
	if (!err)
		err = open_whole(bytes, len, repo->ring, &plain, &plain_len, &why);
	if (!err)
		err = head_get(plain, plain_len, &repo->id, repo->ring, ret_head, &why);
	if (err) {
		tell(s, OBJECT_HEAD, &want.id, why.text);
		return false;
	}
	must(SHA256(bytes, len, ret_sum));
	return true;
}

/* From the newest one back, as far as no collection may have removed any. */
static void check_heads(struct structure *s)
{
	uint64_t newest = s->repo->head.generation, generation = newest;
	uint8_t wanted[32], sum[32];
	bool have_wanted = false;
	for (; generation && newest - generation < HEADS_KEPT; generation--) {
		OWN(head_done) struct head head = {0};
		struct object_id id = object_head_id(generation);
		s->result.heads++;
		if (!find(s, OBJECT_HEAD, &id) || !read_head(s, generation, &head, sum)) {
			have_wanted = false;
			continue;
		}
		if (head.generation != generation)
			tell(s, OBJECT_HEAD, &id, "it tells another generation");
		if (have_wanted && memcmp(sum, wanted, sizeof(sum)) != 0)
			tell(s, OBJECT_HEAD, &id, "it is not the one that the next head followed");
		memcpy(wanted, head.previous, sizeof(wanted));
		have_wanted = true;
	}
}

/* ---- indexes against packs ---- */

static int by_offset(const void *a, const void *b)
{
	const struct index_entry *one = a, *other = b;
	if (one->pack != other->pack)
		return one->pack < other->pack ? -1 : 1;
	return (one->at.offset > other->at.offset) - (one->at.offset < other->at.offset);
}

static int by_segment(const void *a, const void *b)
{
	const struct pack_entry *one = a, *other = b;
	return (one->offset > other->offset) - (one->offset < other->offset);
}

static bool same_entry(const struct pack_entry *a, const struct pack_entry *b)
{
	return digest_equal(&a->digest, &b->digest) && a->kind == b->kind &&
		a->segment == b->segment && a->offset == b->offset && a->length == b->length &&
		a->plain_length == b->plain_length;
}

/* Every entry of the index must stand in the pack's directory as well. */
static void compare(struct structure *s, const struct index_pack *pack,
	struct pack_directory *directory, const struct index_entry *entries, size_t count)
{
	size_t wrong = 0;
	char text[100];
	if (directory->count)
		qsort(directory->entries, directory->count, sizeof(*directory->entries),
			by_segment);
	for (size_t i = 0; i < count; i++) {
		const struct pack_entry *there = NULL;
		if (directory->count)
			there = bsearch(&entries[i].at, directory->entries, directory->count,
				sizeof(*there), by_segment);
		wrong += !there || !same_entry(there, &entries[i].at);
	}
	if (!wrong)
		return;
	snprintf(text, sizeof(text), "an index tells %zu chunks of it otherwise than it does",
		wrong);
	tell(s, pack->kind, &pack->id, text);
}

static bool check_length(
	struct structure *s, const struct index_pack *pack, const struct found *found)
{
	char text[100];
	if (!pack->length || pack->length == found->size)
		return true;
	snprintf(text, sizeof(text), "it has %" PRIu64 " bytes, and was written with %" PRIu64,
		found->size, pack->length);
	tell(s, pack->kind, &pack->id, text);
	return false;
}

static int check_pack(struct structure *s, const struct index_pack *pack,
	const struct index_entry *entries, size_t count)
{
	struct pack_directory directory;
	struct why why = {""};
	struct found *found = find(s, pack->kind, &pack->id);
	s->result.packs++;
	if (!found || !check_length(s, pack, found))
		return 0;
	if (s->options->by_listing && pack->length) {
		s->result.unopened++;
		return 0;
	}
	int err = repo_read_directory(s->repo, pack, found->size, &directory, &why);
	if (err == -ENOMEM)
		return err;
	if (err) {
		tell(s, pack->kind, &pack->id, why.text);
		return 0;
	}
	compare(s, pack, &directory, entries, count);
	pack_directory_done(&directory);
	return 0;
}

/* One index object: what this machine remembers of it does not count here. */
static int check_index(struct structure *s, const struct head_index *named)
{
	OWN(own_free) uint8_t *plain = NULL;
	OWN(index_done) struct index index = {0};
	struct why why = {""};
	size_t len, at = 0;
	int err = repo_fetch_index(s->repo, named, &plain, &len, &why);
	if (!err)
		err = index_get(&index, plain, len, &why);
	if (err == -ENOMEM)
		return err;
	if (err) {
		tell(s, OBJECT_INDEX, &named->id, why.text);
		return 0;
	}
	if (index.entries.len)
		qsort(index.entries.at, index.entries.len, sizeof(*index.entries.at), by_offset);
	for (uint32_t i = 0; !err && i < index.packs.len; i++) {
		size_t first = at;
		while (at < index.entries.len && index.entries.at[at].pack == i)
			at++;
		err = check_pack(s, &index.packs.at[i], index.entries.at + first, at - first);
	}
	return err;
}

static int check_packs(struct structure *s)
{
	int err = 0;
	vec_each (named, &s->repo->head.indexes)
		if (!err && find(s, OBJECT_INDEX, &named->id))
			err = check_index(s, named);
	return err;
}

/* ---- the rest ---- */

static void check_points(struct structure *s)
{
	struct point point;
	struct why why;
	vec_each (named, &s->repo->head.points) {
		s->result.points++;
		if (!find(s, OBJECT_POINT, &named->id))
			continue;
		if (repo_point(s->repo, &named->id, &point, &why))
			tell(s, OBJECT_POINT, &named->id, why.text);
		else if (!repo_has(s->repo, &point.root))
			tell(s, OBJECT_POINT, &named->id, "no index knows its root");
	}
}

static void count_orphans(struct structure *s)
{
	vec_each (retired, &s->repo->head.retired) {
		struct found key = {.kind = retired->kind, .id = retired->id}, *found = NULL;
		if (s->found.len)
			found = bsearch(&key, s->found.at, s->found.len, sizeof(key), by_name);
		if (found)
			found->named = true;
	}
	vec_each (found, &s->found) {
		if (found->named || found->kind == OBJECT_HEAD)
			continue;
		s->result.orphans++;
		s->result.orphan_bytes += found->size;
	}
}

int repo_check_structure(struct repo *repo, const struct structure_options *options,
	struct structure_result *ret_result, struct why *why)
{
	OWN(structure_done) struct structure s = {.repo = repo, .options = options};
	int err = list(&s, why);
	if (err)
		return err;
	check_heads(&s);
	s.result.indexes = repo->head.indexes.len;
	err = check_packs(&s);
	if (err)
		return why_errno(why, err, "looking into the packs");
	check_points(&s);
	count_orphans(&s);
	*ret_result = s.result;
	return 0;
}
