/* SPDX-License-Identifier: Apache-2.0 */
/* Objects one by one: parity, header, seal, and of packs every chunk. */
#include "repo/check.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/parity.h"
#include "place/place.h"
#include "repo/inner.h"

/* ---- which ---- */

void check_list_done(struct check_list *list)
{
	vec_done(&list->objects);
}

struct listing {
	struct repo *repo;
	struct check_list *list;
	size_t needed; /* of the list */
	int err;
};

static void list_one(struct listing *listing, enum object_kind kind, const struct object_id *id)
{
	struct check_object object = {.kind = kind, .id = *id};
	if (!listing->err)
		listing->err = vec_push(&listing->list->objects, object);
}

/* The newest, and those before it that no collection may have removed: they prove its past. */
static void list_heads(struct listing *listing)
{
	uint64_t newest = listing->repo->head.generation;
	for (uint64_t i = 0; i < HEADS_KEPT && i < newest; i++) {
		struct object_id id = object_head_id(newest - i);
		list_one(listing, OBJECT_HEAD, &id);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct check_object *one = a, *other = b;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return memcmp(&one->id, &other->id, sizeof(one->id));
}

/* Objects that are needed, sorted by then, get their sizes; all others are idle. */
static bool note_there(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	struct check_list *list = listing->list;
	struct check_object key = {.size = size, .idle = true};
	if (!object_parse_name(name, &key.kind, &key.id))
		return true;
	struct check_object *found = bsearch(
		&key, list->objects.at, listing->needed, sizeof(key), by_name);
	if (found)
		found->size = size;
	else
		listing->err = vec_push(&list->objects, key);
	return !listing->err;
}

static void list_needed(struct listing *listing)
{
	const struct repo *repo = listing->repo;
	list_one(listing, OBJECT_REPO, &repo->id);
	list_heads(listing);
	vec_each (key, &repo->head.keys)
		list_one(listing, OBJECT_KEY, &key->slot);
	vec_each (index, &repo->head.indexes)
		list_one(listing, OBJECT_INDEX, &index->id);
	vec_each (point, &repo->head.points)
		list_one(listing, OBJECT_POINT, &point->id);
	vec_each (pack, &repo->index.packs)
		list_one(listing, pack->kind, &pack->id);
}

static void sort_list(struct check_list *list)
{
	if (list->objects.len)
		qsort(list->objects.at, list->objects.len, sizeof(*list->objects.at), by_name);
}

int repo_check_list(struct repo *repo, struct check_list *ret_list, struct why *why)
{
	static const char *const folders[] = {
		"key", "data", "meta", "index", "point", "inbox", "head"};
	struct check_list list = {0};
	struct listing listing = {.repo = repo, .list = &list};
	list_needed(&listing);
	int err = listing.err;
	sort_list(&list);
	listing.needed = list.objects.len;
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(folders[0]); i++) {
		err = place_list(repo->world.place, folders[i], note_there, &listing);
		err = err ? err : listing.err;
	}
	if (err) {
		check_list_done(&list);
		return why_errno(why, err, "listing the objects");
	}
	sort_list(&list);
	*ret_list = list;
	return 0;
}

/* ---- one ---- */

struct checker {
	struct repo *repo;
	const struct check_options *options;
	struct check_result *result;
	int err; /* of the index on this machine */
};

/* One object as it was read. */
struct specimen {
	struct object_header want;
	char name[OBJECT_NAME];
	uint8_t *bytes;
	size_t len;      /* all of it */
	size_t body_len; /* header and body */
	bool idle;       /* nothing needs it */
	bool mendable, gone, parity_gone;
	char trouble[400]; /* why it is beyond parity */
};

static void specimen_done(struct specimen *specimen)
{
	free(specimen->bytes);
}

static bool is_pack(enum object_kind kind)
{
	return kind == OBJECT_DATA || kind == OBJECT_META;
}

static void tell(struct checker *c, const char *name, const char *what)
{
	char text[OBJECT_NAME + 500];
	snprintf(text, sizeof(text), "%s: %s", name, what);
	if (c->options->on_trouble)
		c->options->on_trouble(c->options->arg, text);
}

static struct place *place_of(const struct checker *c)
{
	return c->options->at ? c->options->at : c->repo->world.place;
}

/* Writes the whole object over the damaged one. */
static bool write_back(struct checker *c, const struct specimen *specimen)
{
	struct why why;
	int err = place_put(place_of(c), specimen->name, specimen->bytes, specimen->len, &why);
	if (err)
		tell(c, specimen->name, why.text);
	return !err;
}

static int is_it(struct checker *c, struct specimen *specimen, struct why *why)
{
	struct object_header header;
	int err = object_get_header(specimen->bytes, specimen->body_len, &header, why);
	return err ? err
		   : object_is(&header, specimen->want.kind, &c->repo->id, &specimen->want.id, why);
}

/* What the newest head says of `repo` and of the slots in force. NULL: nothing. */
static const uint8_t *pinned(const struct repo *repo, const struct object_header *want)
{
	if (want->kind == OBJECT_REPO)
		return repo->head.repo_sum;
	vec_each (key, &repo->head.keys)
		if (want->kind == OBJECT_KEY && object_id_equal(&key->slot, &want->id))
			return key->sum;
	return NULL;
}

/* What it says of the body of a point or an index. NULL: it does not name it. */
static const uint8_t *pinned_body(const struct repo *repo, const struct object_header *want)
{
	const struct head_point *point = head_find_point(&repo->head, &want->id);
	const struct head_index *index = head_find_index(&repo->head, &want->id);
	if (want->kind == OBJECT_POINT && point)
		return point->sum;
	return want->kind == OBJECT_INDEX && index ? index->sum : NULL;
}

/* Whoever can seal could have made it; who signed it, holds the full keys. */
static int is_signed(const struct checker *c, const struct specimen *specimen, const uint8_t *plain,
	size_t len, struct why *why)
{
	struct head head;
	int err = head_get(plain, len, &c->repo->id, c->repo->ring, &head, why);
	if (err)
		return err;
	if (head.generation != object_head_generation(&specimen->want.id))
		err = why_set(why, -EBADMSG, "the head tells another generation");
	head_done(&head);
	return err;
}

/* An object of one segment opens, or it is damaged in a way that parity was computed over. */
static int opens(struct checker *c, const struct specimen *specimen, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	size_t len;
	enum object_kind kind = specimen->want.kind;
	const uint8_t *told = pinned(c->repo, &specimen->want);
	if (told)
		must(SHA256(specimen->bytes, specimen->body_len, sum));
	if (told && memcmp(told, sum, sizeof(sum)) != 0)
		return why_set(why, -EBADMSG, "it is not the one that the newest head goes by");
	if (kind == OBJECT_REPO || kind == OBJECT_KEY || is_pack(kind))
		return 0;
	int err = open_whole(specimen->bytes, specimen->body_len, c->repo->ring, &plain, &len, why);
	told = pinned_body(c->repo, &specimen->want);
	if (!err && told && !body_is(plain, len, told))
		err = why_set(why, -EBADMSG, "it is not the one that the newest head names");
	return !err && kind == OBJECT_HEAD ? is_signed(c, specimen, plain, len, why) : err;
}

/* Its parity is beyond use, and what it holds may be whole all the same: that gets a new one. */
static int give_parity(struct checker *c, struct specimen *specimen, size_t *ret_body_len)
{
	unsigned percent = c->repo->parity_percent;
	struct object_header header;
	if (specimen->idle || object_get_header(specimen->bytes, specimen->len, &header, NULL) ||
		header.length > specimen->len)
		return -EBADMSG;
	size_t len = header.length + parity_size(header.length, percent);
	uint8_t *bytes = realloc(specimen->bytes, len);
	if (!bytes)
		return -ENOMEM;
	specimen->bytes = bytes;
	specimen->len = len;
	specimen->parity_gone = true;
	*ret_body_len = header.length;
	return parity_add(bytes, header.length, percent, &specimen->want.id);
}

static void describe(struct specimen *specimen, const struct parity_report *report)
{
	if (specimen->parity_gone)
		snprintf(specimen->trouble, sizeof(specimen->trouble),
			"its parity is damaged or cut off; all that it holds is whole");
	else
		snprintf(specimen->trouble, sizeof(specimen->trouble),
			"%u of %u parts are damaged; parity mends them", report->damaged,
			report->shards);
}

/* Reads it from a place and mends it in memory. Not 0: specimen->trouble says why. */
static int read_object(struct checker *c, struct place *place, struct specimen *specimen)
{
	struct parity_report report = {0};
	struct why why = {""};
	free(TAKE(specimen->bytes));
	specimen->parity_gone = false;
	int err = place_get_whole(
		place, specimen->name, OBJECT_WHOLE_MAX, &specimen->bytes, &specimen->len);
	specimen->gone = err == -ENOENT;
	if (err == -ENOENT)
		why_set(&why, err, "it is gone");
	else if (err)
		why_errno(&why, err, "it cannot be read");
	else
		err = parity_repair(
			specimen->bytes, specimen->len, &specimen->want.id, &report, &why);
	if (specimen->bytes && err == -EBADMSG && !give_parity(c, specimen, &report.length))
		err = 0;
	specimen->body_len = report.length;
	specimen->mendable = report.damaged || report.marks_damaged || specimen->parity_gone;
	if (!err)
		err = is_it(c, specimen, &why);
	if (!err)
		err = opens(c, specimen, &why);
	snprintf(specimen->trouble, sizeof(specimen->trouble), "%s", why.text);
	if (!err && specimen->mendable)
		describe(specimen, &report);
	return err;
}

bool repo_chunk_whole(struct repo *repo, struct opener *opener, const uint8_t *pack,
	const struct pack_entry *entry)
{
	OWN(own_free) uint8_t *blob = malloc(entry->length);
	OWN(own_free) uint8_t *plain = NULL;
	size_t blob_len = entry->length - SEAL_TAG, len;
	struct digest digest;
	if (!blob ||
		open_segment(opener, entry->segment, pack + entry->offset, entry->length, blob))
		return false;
	if (codec_plain_len(entry->kind, blob, blob_len, &len) || len != entry->plain_length)
		return false;
	plain = malloc(len ? len : 1);
	return plain && !codec_unpack(repo->codec, blob, blob_len, plain, len) &&
		!digest_of(repo->digester, entry->kind, plain, len, &digest) &&
		digest_equal(&digest, &entry->digest);
}

/* Every chunk of a pack that parity finds whole: the writer may have been wrong, or hostile. */
static bool chunks_ok(struct checker *c, struct specimen *specimen)
{
	struct pack_directory directory;
	struct opener *opener = NULL;
	struct why why;
	size_t bad = 0;
	if (pack_open(specimen->bytes, specimen->body_len, c->repo->ring, &directory, &opener,
		    &why)) {
		snprintf(specimen->trouble, sizeof(specimen->trouble), "%s", why.text);
		return false;
	}
	for (size_t i = 0; i < directory.count; i++)
		bad += !repo_chunk_whole(c->repo, opener, specimen->bytes, &directory.entries[i]);
	c->result->chunks += directory.count;
	if (bad)
		snprintf(specimen->trouble, sizeof(specimen->trouble),
			"%zu of %zu chunks are damaged", bad, directory.count);
	opener_free(opener);
	pack_directory_done(&directory);
	return !bad;
}

/* ---- what a damaged pack still gives, or another one ---- */

static bool gives(struct repo *repo, const struct index_entry *entry)
{
	OWN(own_free) uint8_t *bytes = NULL;
	return !repo_piece(repo, entry, &bytes, NULL) || !repo_elsewhere(repo, entry, &bytes);
}

struct losing {
	struct checker *c;
	const struct object_id *pack;
};

static int look_for_lost(void *arg, uint32_t number, const struct index_entry *entry)
{
	const struct losing *losing = arg;
	struct checker *c = losing->c;
	struct repo *repo = c->repo;
	(void)number;
	if (!object_id_equal(&repo->index.packs.at[entry->pack].id, losing->pack) ||
		gives(repo, entry))
		return 0;
	c->result->lost++;
	if (c->options->on_lost)
		c->options->on_lost(c->options->arg, &entry->at.digest, entry->at.kind);
	return 0;
}

static int find_lost(struct checker *c, const struct check_object *object)
{
	struct losing losing = {c, &object->id};
	return index_walk(&c->repo->index, look_for_lost, &losing);
}

/* ---- some ---- */

static bool examine(struct checker *c, struct place *place, struct specimen *specimen)
{
	return !read_object(c, place, specimen) &&
		(!is_pack(specimen->want.kind) || chunks_ok(c, specimen));
}

/* Beyond parity here: the same object of the other place, when that has it whole. */
static bool copy_back(struct checker *c, struct specimen *specimen)
{
	char trouble[sizeof(specimen->trouble)];
	if (!c->options->copy)
		return false;
	memcpy(trouble, specimen->trouble, sizeof(trouble));
	if (examine(c, c->options->copy, specimen) &&
		(!c->options->repair || write_back(c, specimen))) {
		tell(c, specimen->name,
			c->options->repair ? "it was written back from the other copy"
					   : "the other copy has it whole");
		return c->options->repair;
	}
	memcpy(specimen->trouble, trouble, sizeof(trouble));
	return false;
}

struct renaming {
	const struct object_id *point;
	const uint8_t *sum;
};

static int name_again(void *arg, struct head *head, struct why *why)
{
	const struct renaming *renaming = arg;
	struct head_point *point = head_find_point(head, renaming->point);
	(void)why;
	if (!point)
		return HEAD_AS_IS;
	memcpy(point->sum, renaming->sum, sizeof(point->sum));
	return 0;
}

/* A point has one id in all twins; its seal, and what it tells of costs, are each one's own. */
static bool point_back(struct checker *c, const struct specimen *specimen)
{
	OWN(own_free) uint8_t *body = NULL;
	struct object_header header = {.kind = OBJECT_POINT, .id = specimen->want.id};
	struct renaming renaming = {&header.id, c->repo->point_sum};
	struct point point;
	size_t len;
	if (specimen->want.kind != OBJECT_POINT || !c->options->twin || !c->options->repair ||
		repo_point(c->options->twin, &header.id, &point, NULL) ||
		point_put(&point, &body, &len) || repo_store(c->repo, &header, body, len, NULL))
		return false;
	must(SHA256(body, len, c->repo->point_sum));
	if (repo_edit_head(c->repo, name_again, &renaming, NULL))
		return false;
	tell(c, specimen->name, "it was written anew from the twin");
	return true;
}

static enum check_state check_object(struct checker *c, const struct check_object *object)
{
	OWN(specimen_done)
	struct specimen specimen = {
		.want = {.kind = object->kind, .id = object->id}, .idle = object->idle};
	object_name(object->kind, &object->id, specimen.name);
	bool whole = examine(c, place_of(c), &specimen);
	/* A collection may have removed it since it was listed. */
	if (object->idle && specimen.gone)
		return CHECK_WHOLE;
	c->result->objects += specimen.bytes != NULL;
	c->result->bytes += specimen.len;
	if (whole && !specimen.mendable)
		return CHECK_WHOLE;
	tell(c, specimen.name, specimen.trouble);
	if (whole) {
		bool mended = c->options->repair && write_back(c, &specimen);
		c->result->mendable++;
		c->result->mended += mended;
		return mended ? CHECK_MENDED : CHECK_MENDABLE;
	}
	if (copy_back(c, &specimen) || (!object->idle && point_back(c, &specimen))) {
		c->result->copied++;
		return CHECK_COPIED;
	}
	if (object->idle) {
		tell(c, specimen.name, "nothing needs it; a collection removes it");
		c->result->idle++;
		return CHECK_IDLE;
	}
	c->result->damaged++;
	if (is_pack(object->kind) && !c->err)
		c->err = find_lost(c, object);
	return CHECK_DAMAGED;
}

int repo_check_some(struct repo *repo, const struct check_object *objects, size_t count,
	const struct check_options *options, struct check_result *result)
{
	struct checker c = {.repo = repo, .options = options, .result = result};
	for (size_t i = 0; i < count; i++) {
		enum check_state state = check_object(&c, &objects[i]);
		if (options->on_object && !options->on_object(options->arg, &objects[i], state))
			break;
	}
	return c.err;
}

/* ---- what opening needs ---- */

/* Ids are drawn: a place with an object of that name is the same repository's. */
static bool is_same(struct place *place, const struct check_list *list)
{
	vec_each (object, &list->objects) {
		char name[OBJECT_NAME];
		uint64_t size;
		bool drawn = object->kind == OBJECT_KEY || object->kind == OBJECT_INDEX ||
			is_pack(object->kind);
		if (drawn &&
			!place_size(place, object_name(object->kind, &object->id, name), &size))
			return true;
	}
	return false;
}

static bool is_root(const struct check_object *object)
{
	return !object->idle &&
		(object->kind == OBJECT_REPO || object->kind == OBJECT_KEY ||
			object->kind == OBJECT_INDEX || object->kind == OBJECT_HEAD);
}

int repo_check_roots(struct repo *copy, struct place *place, const struct check_options *options,
	struct check_result *result, struct why *why)
{
	struct check_list list = {0};
	struct check_options how = *options;
	int err = repo_check_list(copy, &list, why);
	if (err)
		return err;
	how.at = place;
	how.copy = copy->world.place;
	if (!is_same(place, &list))
		err = why_set(why, -ENOENT, "the copy is of another repository");
	for (size_t i = 0; !err && i < list.objects.len; i++)
		if (is_root(&list.objects.at[i]))
			err = repo_check_some(copy, &list.objects.at[i], 1, &how, result);
	check_list_done(&list);
	return err;
}
