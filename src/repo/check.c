/* SPDX-License-Identifier: Apache-2.0 */
/* Objects one by one: parity, header, seal, and of packs every chunk. */
#include "repo/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	int err;
};

/* Slots of others cannot be opened; their parity can be checked all the same. */
static bool list_slot(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	struct check_object object = {.size = size};
	if (object_parse_name(name, &object.kind, &object.id) && object.kind == OBJECT_KEY)
		listing->err = vec_push(&listing->list->objects, object);
	return !listing->err;
}

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

/* Only objects that are in the list, sorted by then, get their sizes. */
static bool note_size(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	struct check_list *list = listing->list;
	struct check_object key = {0};
	if (!object_parse_name(name, &key.kind, &key.id))
		return true;
	struct check_object *found = bsearch(
		&key, list->objects.at, list->objects.len, sizeof(key), by_name);
	if (found)
		found->size = size;
	return true;
}

int repo_check_list(struct repo *repo, struct check_list *ret_list, struct why *why)
{
	static const char *const folders[] = {"data", "meta", "index", "point", "head"};
	struct check_list list = {0};
	struct listing listing = {repo, &list, 0};
	list_one(&listing, OBJECT_REPO, &repo->id);
	int err = place_list(repo->world.place, "key", list_slot, &listing);
	list_heads(&listing);
	vec_each (index, &repo->head.indexes)
		list_one(&listing, OBJECT_INDEX, index);
	vec_each (point, &repo->head.points)
		list_one(&listing, OBJECT_POINT, &point->id);
	vec_each (pack, &repo->index.packs)
		list_one(&listing, pack->kind, &pack->id);
	err = err ? err : listing.err;
	if (!err)
		qsort(list.objects.at, list.objects.len, sizeof(*list.objects.at), by_name);
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(folders[0]); i++)
		err = place_list(repo->world.place, folders[i], note_size, &listing);
	if (err) {
		check_list_done(&list);
		return why_errno(why, err, "listing the objects");
	}
	*ret_list = list;
	return 0;
}

/* ---- one ---- */

struct checker {
	struct repo *repo;
	const struct check_options *options;
	struct check_result *result;
};

/* One object as it was read. */
struct specimen {
	struct object_header want;
	char name[OBJECT_NAME];
	uint8_t *bytes;
	size_t len;      /* all of it */
	size_t body_len; /* header and body */
	bool mendable;
	char trouble[400]; /* why it is beyond parity */
};

static void specimen_done(struct specimen *specimen)
{
	free(specimen->bytes);
}

static void tell(struct checker *c, const char *name, const char *what)
{
	char text[OBJECT_NAME + 500];
	snprintf(text, sizeof(text), "%s: %s", name, what);
	if (c->options->on_trouble)
		c->options->on_trouble(c->options->arg, text);
}

/* Writes the whole object over the damaged one. */
static bool write_back(struct checker *c, const struct specimen *specimen)
{
	struct why why;
	int err = place_put(
		c->repo->world.place, specimen->name, specimen->bytes, specimen->len, &why);
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

/* An object of one segment opens, or it is damaged in a way that parity was computed over. */
static int opens(struct checker *c, const struct specimen *specimen, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	size_t len;
	enum object_kind kind = specimen->want.kind;
	if (kind != OBJECT_INDEX && kind != OBJECT_POINT && kind != OBJECT_HEAD)
		return 0;
	return open_whole(specimen->bytes, specimen->body_len, c->repo->ring, &plain, &len, why);
}

/* Reads it from a place and mends it in memory. Not 0: specimen->trouble says why. */
static int read_object(struct checker *c, struct place *place, struct specimen *specimen)
{
	struct parity_report report = {0};
	struct why why = {""};
	free(TAKE(specimen->bytes));
	int err = place_get_whole(
		place, specimen->name, OBJECT_WHOLE_MAX, &specimen->bytes, &specimen->len);
	if (err == -ENOENT)
		why_set(&why, err, "it is gone");
	else if (err)
		why_errno(&why, err, "it cannot be read");
	else
		err = parity_repair(
			specimen->bytes, specimen->len, &specimen->want.id, &report, &why);
	specimen->body_len = report.length;
	specimen->mendable = report.damaged || report.marks_damaged;
	if (!err)
		err = is_it(c, specimen, &why);
	if (!err)
		err = opens(c, specimen, &why);
	snprintf(specimen->trouble, sizeof(specimen->trouble), "%s", why.text);
	if (!err && specimen->mendable)
		snprintf(specimen->trouble, sizeof(specimen->trouble),
			"%u of %u parts are damaged; parity mends them", report.damaged,
			report.shards);
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

static bool is_pack(enum object_kind kind)
{
	return kind == OBJECT_DATA || kind == OBJECT_META;
}

/* Every chunk of a pack that parity finds whole: the writer may have been wrong, or hostile. */
static bool chunks_ok(struct checker *c, struct specimen *specimen)
{
	struct pack_directory directory;
	struct opener *opener = NULL;
	struct why why;
	size_t bad = 0;
	if (pack_read_directory(
		    specimen->bytes, specimen->body_len, c->repo->ring, &directory, &why)) {
		snprintf(specimen->trouble, sizeof(specimen->trouble), "%s", why.text);
		return false;
	}
	if (opener_new(specimen->bytes, specimen->body_len, c->repo->ring, &opener, &why))
		bad = directory.count;
	for (size_t i = 0; opener && i < directory.count; i++)
		bad += !repo_chunk_whole(c->repo, opener, specimen->bytes, &directory.entries[i]);
	c->result->chunks += directory.count;
	if (bad)
		snprintf(specimen->trouble, sizeof(specimen->trouble),
			"%zu of %zu chunks are damaged", bad, directory.count);
	opener_free(opener);
	pack_directory_done(&directory);
	return !bad;
}

/* ---- what a damaged pack still gives ---- */

static bool gives(struct repo *repo, const struct index_entry *entry)
{
	OWN(own_free) uint8_t *bytes = NULL;
	return repo_piece(repo, entry, &bytes, NULL) == 0;
}

static void find_lost(struct checker *c, const struct check_object *object)
{
	struct repo *repo = c->repo;
	for (uint32_t i = 0; i < index_count(&repo->index); i++) {
		struct index_entry entry = index_at(&repo->index, i);
		if (!object_id_equal(&repo->index.packs.at[entry.pack].id, &object->id) ||
			gives(repo, &entry))
			continue;
		c->result->lost++;
		if (c->options->on_lost)
			c->options->on_lost(c->options->arg, &entry.at.digest, entry.at.kind);
	}
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

static enum check_state check_object(struct checker *c, const struct check_object *object)
{
	OWN(specimen_done)
	struct specimen specimen = {.want = {.kind = object->kind, .id = object->id}};
	object_name(object->kind, &object->id, specimen.name);
	bool whole = examine(c, c->repo->world.place, &specimen);
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
	if (copy_back(c, &specimen)) {
		c->result->copied++;
		return CHECK_COPIED;
	}
	c->result->damaged++;
	if (is_pack(object->kind))
		find_lost(c, object);
	return CHECK_DAMAGED;
}

int repo_check_some(struct repo *repo, const struct check_object *objects, size_t count,
	const struct check_options *options, struct check_result *result)
{
	struct checker c = {repo, options, result};
	for (size_t i = 0; i < count; i++) {
		enum check_state state = check_object(&c, &objects[i]);
		if (options->on_object && !options->on_object(options->arg, &objects[i], state))
			break;
	}
	return 0;
}
