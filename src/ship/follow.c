/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over what a point needs, without reading its content. */
#include "ship/follow.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/need.h"
#include "ship/tree.h"

/* One more thing that cannot be restored as it was. */
static void tell(struct follow *f, const char *what)
{
	f->affected++;
	if (f->on_affected)
		f->on_affected(f->arg, f->point, str_text(&f->path), what);
}

static bool is_there(const struct follow *f, const struct digest *digest, enum chunk_kind kind)
{
	bool there = repo_has(f->repo, digest) && !digests_has(f->lost, digest);
	if (!there && f->on_missing)
		f->on_missing(f->arg, digest, kind);
	return there;
}

static int follow_row(struct follow *f, const uint8_t *digests, size_t count, uint64_t *missing)
{
	for (size_t i = 0; i < count; i++) {
		struct digest digest;
		memcpy(digest.b, digests + i * DIGEST_SIZE, DIGEST_SIZE);
		*missing += !is_there(f, &digest, CHUNK_CONTENT);
	}
	return 0;
}

static int follow_list(struct follow *f, const uint8_t *bytes, uint64_t *missing)
{
	OWN(own_free) uint8_t *list = NULL;
	struct digest digest;
	size_t len;
	uint64_t before = *missing;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	if (digests_has(&f->whole, &digest))
		return 0;
	if (!is_there(f, &digest, CHUNK_LIST) ||
		repo_chunk(f->repo, &digest, CHUNK_LIST, &list, &len, NULL)) {
		(*missing)++;
		return 0;
	}
	follow_row(f, list, len / DIGEST_SIZE, missing);
	return *missing == before ? digests_add(&f->whole, &digest) : 0;
}

static int count_missing(struct follow *f, const struct tree_entry *entry, uint64_t *missing)
{
	int err = 0;
	if (!(entry->flags & TREE_LISTED))
		return follow_row(f, entry->digests, entry->digest_count, missing);
	for (size_t i = 0; !err && i < entry->digest_count; i++)
		err = follow_list(f, entry->digests + i * DIGEST_SIZE, missing);
	return err;
}

int follow_content(struct follow *f, const struct tree_entry *entry, bool *ret_whole)
{
	uint64_t missing = 0;
	int err = count_missing(f, entry, &missing);
	if (!err)
		*ret_whole = !missing;
	return err;
}

static int follow_tree(struct follow *f, const uint8_t *bytes);

static int follow_entry(struct follow *f, const struct tree_entry *entry)
{
	size_t before = f->path.len;
	uint64_t missing = 0;
	if (before)
		str_add(&f->path, "/");
	str_add_bytes(&f->path, entry->name, entry->name_len);
	int err = str_error(&f->path);
	if (!err)
		err = count_missing(f, entry, &missing);
	if (!err && missing) {
		f->missing += missing;
		tell(f, "content of it is lost");
	}
	if (!err && entry->folder)
		err = follow_tree(f, entry->folder);
	f->path.len = before;
	if (f->path.at)
		f->path.at[before] = '\0';
	return err;
}

/* What is beneath a folder whose tree is lost cannot be told by name any more. */
static void lose_folder(struct follow *f, const char *what)
{
	f->missing++;
	tell(f, what);
}

static int follow_tree(struct follow *f, const uint8_t *bytes)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	struct digest digest;
	struct why why = {""};
	uint64_t before = f->affected;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	if (digests_has(&f->whole, &digest))
		return 0;
	if (f->depth >= TREE_DEPTH_MAX) {
		lose_folder(f, "it is too deep");
		return 0;
	}
	int err = tree_load(f->repo, &digest, &tree, &why), more = 0;
	if (err == -ENOMEM)
		return err;
	if (err) {
		if (f->on_missing)
			f->on_missing(f->arg, &digest, CHUNK_TREE);
		lose_folder(f, "the list of what is in this folder is lost");
		return 0;
	}
	f->depth++;
	while (!err && (more = tree_next(&tree, &entry, &why)) == 1)
		err = follow_entry(f, &entry);
	f->depth--;
	if (!err && more < 0)
		lose_folder(f, why.text);
	return !err && f->affected == before ? digests_add(&f->whole, &digest) : err;
}

/* ---- images ---- */

struct counting {
	struct follow *f;
	uint64_t missing;
};

static int count_chunk(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct counting *counting = arg;
	bool there = is_there(counting->f, digest, kind);
	counting->missing += !there;
	return there && leads_on;
}

static int follow_image(struct follow *f, const struct point *point)
{
	struct counting counting = {.f = f};
	int err = need_walk(f->repo, point, count_chunk, &counting, NULL);
	if (err == -ENOMEM)
		return err;
	f->missing += counting.missing;
	if (err && err != -ENOTSUP)
		lose_folder(f, "its map is damaged");
	else if (counting.missing)
		tell(f, "content of it is lost");
	return 0;
}

int follow_point(struct follow *f, const struct object_id *id, bool *ret_whole)
{
	struct point point;
	uint64_t before = f->affected;
	int err = 0;
	f->point = id;
	str_clear(&f->path);
	if (repo_point(f->repo, id, &point, NULL))
		lose_folder(f, "the point cannot be read");
	else if (point.source == POINT_DIR)
		err = follow_tree(f, point.root.b);
	else
		err = follow_image(f, &point);
	if (!err)
		*ret_whole = f->affected == before;
	return err;
}

void follow_done(struct follow *f)
{
	digests_done(&f->whole);
	str_done(&f->path);
}
