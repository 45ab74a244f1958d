/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over all objects that the newest head names, and the key slots. */
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

static void tell_damaged(struct checker *c, const char *name, const char *what)
{
	c->result->damaged++;
	tell(c, name, what);
}

/* Writes the whole object back over the damaged one. */
static void repair(struct checker *c, const struct specimen *specimen)
{
	struct why why;
	if (!c->options->repair)
		return;
	if (place_put(c->repo->world.place, specimen->name, specimen->bytes, specimen->len, &why))
		tell(c, specimen->name, why.text);
	else
		c->result->mended++;
}

/* Reads and mends it in memory. False: it was told, and there is nothing to look into. */
static bool read_object(struct checker *c, struct specimen *specimen)
{
	struct parity_report report;
	struct object_header header;
	struct why why;
	char text[80];
	object_name(specimen->want.kind, &specimen->want.id, specimen->name);
	int err = place_get_whole(c->repo->world.place, specimen->name, OBJECT_WHOLE_MAX,
		&specimen->bytes, &specimen->len);
	if (err) {
		why_errno(&why, err, "it cannot be read");
		tell_damaged(c, specimen->name, err == -ENOENT ? "it is gone" : why.text);
		return false;
	}
	c->result->objects++;
	c->result->bytes += specimen->len;
	err = parity_repair(specimen->bytes, specimen->len, &specimen->want.id, &report, &why);
	if (err) {
		tell_damaged(c, specimen->name, why.text);
		return false;
	}
	specimen->body_len = report.length;
	if (object_get_header(specimen->bytes, report.length, &header, &why) ||
		object_is(&header, specimen->want.kind, &c->repo->id, &specimen->want.id, &why)) {
		tell_damaged(c, specimen->name, why.text);
		return false;
	}
	if (report.damaged || report.marks_damaged) {
		c->result->mendable++;
		snprintf(text, sizeof(text), "%u of %u parts are damaged; parity mends them",
			report.damaged, report.shards);
		tell(c, specimen->name, text);
		repair(c, specimen);
	}
	return true;
}

/* An object of one segment opens, or it is damaged in a way that parity was computed over. */
static void check_sealed(struct checker *c, enum object_kind kind, const struct object_id *id)
{
	OWN(specimen_done) struct specimen specimen = {.want = {.kind = kind, .id = *id}};
	OWN(own_free) uint8_t *plain = NULL;
	struct why why;
	size_t len;
	if (!read_object(c, &specimen))
		return;
	if (open_whole(specimen.bytes, specimen.body_len, c->repo->ring, &plain, &len, &why))
		tell_damaged(c, specimen.name, why.text);
}

static bool chunk_ok(struct checker *c, struct opener *opener, const struct specimen *specimen,
	const struct pack_entry *entry)
{
	OWN(own_free) uint8_t *blob = malloc(entry->length);
	OWN(own_free) uint8_t *plain = NULL;
	size_t blob_len = entry->length - SEAL_TAG, len;
	struct digest digest;
	if (!blob ||
		open_segment(opener, entry->segment, specimen->bytes + entry->offset, entry->length,
			blob))
		return false;
	if (codec_plain_len(entry->kind, blob, blob_len, &len) || len != entry->plain_length)
		return false;
	plain = malloc(len ? len : 1);
	return plain && !codec_unpack(c->repo->codec, blob, blob_len, plain, len) &&
		!digest_of(c->repo->digester, entry->kind, plain, len, &digest) &&
		digest_equal(&digest, &entry->digest);
}

static void check_chunks(
	struct checker *c, const struct specimen *specimen, const struct pack_directory *directory)
{
	struct opener *opener;
	struct why why;
	char text[80];
	if (opener_new(specimen->bytes, specimen->body_len, c->repo->ring, &opener, &why)) {
		tell_damaged(c, specimen->name, why.text);
		return;
	}
	for (size_t i = 0; i < directory->count; i++) {
		c->result->chunks++;
		if (chunk_ok(c, opener, specimen, &directory->entries[i]))
			continue;
		snprintf(
			text, sizeof(text), "chunk %zu of %zu is damaged", i + 1, directory->count);
		tell_damaged(c, specimen->name, text);
	}
	opener_free(opener);
}

static void check_pack(struct checker *c, const struct index_pack *pack)
{
	OWN(specimen_done)
	struct specimen specimen = {.want = {.kind = pack->kind, .id = pack->id}};
	struct pack_directory directory;
	struct why why;
	if (!read_object(c, &specimen))
		return;
	if (pack_read_directory(
		    specimen.bytes, specimen.body_len, c->repo->ring, &directory, &why)) {
		tell_damaged(c, specimen.name, why.text);
		return;
	}
	check_chunks(c, &specimen, &directory);
	pack_directory_done(&directory);
}

/* Slots of others cannot be opened; their parity can be checked all the same. */
static bool check_slot(void *arg, const char *name, uint64_t size)
{
	struct checker *c = arg;
	OWN(specimen_done) struct specimen specimen = {0};
	(void)size;
	if (object_parse_name(name, &specimen.want.kind, &specimen.want.id) &&
		specimen.want.kind == OBJECT_KEY)
		read_object(c, &specimen);
	return true;
}

static void check_repo_object(struct checker *c)
{
	OWN(specimen_done)
	struct specimen specimen = {.want = {.kind = OBJECT_REPO, .id = c->repo->id}};
	read_object(c, &specimen);
}

int repo_check(struct repo *repo, const struct check_options *options,
	struct check_result *ret_result, struct why *why)
{
	struct checker c = {repo, options, ret_result};
	check_repo_object(&c);
	int err = place_list(repo->world.place, "key", check_slot, &c);
	if (err)
		return why_errno(why, err, "key: listing the key slots");
	if (repo->head.generation)
		check_sealed(&c, OBJECT_HEAD, &repo->head.id);
	vec_each (index, &repo->head.indexes)
		check_sealed(&c, OBJECT_INDEX, index);
	vec_each (point, &repo->head.points)
		check_sealed(&c, OBJECT_POINT, &point->id);
	vec_each (pack, &repo->index.packs)
		check_pack(&c, pack);
	return 0;
}
