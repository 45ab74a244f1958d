/* SPDX-License-Identifier: Apache-2.0 */
/* Two walks side by side, by the order of names; where digests are equal neither goes down. */
#include "ship/diff.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "repo/point.h"
#include "repo/repo.h"
#include "ship/tree.h"

struct diff {
	struct repo *repo;
	const struct diff_options *options;
	struct diff_result result;
	struct str path;
	struct why *why;
	int depth;
};

/* One of the two folders that are walked; without a digest it is empty. */
struct side {
	struct tree tree;
	struct tree_entry entry;
	bool have;
};

static void side_done(struct side *side)
{
	tree_done(&side->tree);
}

static int side_next(struct diff *d, struct side *side)
{
	if (!side->tree.bytes)
		return 0;
	int more = tree_next(&side->tree, &side->entry, d->why);
	side->have = more == 1;
	return more < 0 ? more : 0;
}

static int side_begin(struct diff *d, const uint8_t *folder, struct side *side)
{
	struct digest digest;
	if (!folder)
		return 0;
	memcpy(digest.b, folder, DIGEST_SIZE);
	int err = tree_load(d->repo, &digest, &side->tree, d->why);
	d->result.folders += !err;
	return err ? err : side_next(d, side);
}

/* Which name comes first; a side that has come to its end comes last. */
static int order_of(const struct side *a, const struct side *b)
{
	if (!a->have || !b->have)
		return a->have ? -1 : 1;
	size_t shorter = a->entry.name_len < b->entry.name_len ? a->entry.name_len
							       : b->entry.name_len;
	int order = memcmp(a->entry.name, b->entry.name, shorter);
	return order
		? order
		: (a->entry.name_len > b->entry.name_len) - (a->entry.name_len < b->entry.name_len);
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (!a_len || memcmp(a, b, a_len) == 0);
}

static bool same_content(const struct tree_entry *a, const struct tree_entry *b)
{
	const unsigned content = TREE_UNREADABLE | TREE_LISTED | TREE_HOLES;
	return a->meta.size == b->meta.size && (a->flags & content) == (b->flags & content) &&
		same_bytes(a->digests, a->digest_count * DIGEST_SIZE, b->digests,
			b->digest_count * DIGEST_SIZE) &&
		same_bytes(a->extents, a->extent_count * 16, b->extents, b->extent_count * 16);
}

static bool same_meta(const struct tree_entry *a, const struct tree_entry *b)
{
	const struct files_meta *x = &a->meta, *y = &b->meta;
	return x->mode == y->mode && x->uid == y->uid && x->gid == y->gid &&
		x->mtime_ns == y->mtime_ns && x->special_major == y->special_major &&
		x->special_minor == y->special_minor &&
		same_bytes(a->target, a->target_len, b->target, b->target_len) &&
		same_bytes(a->xattrs, a->xattrs_len, b->xattrs, b->xattrs_len);
}

static unsigned how_of(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->meta.type != b->meta.type)
		return DIFF_TYPE;
	unsigned how = same_meta(a, b) ? 0 : DIFF_META;
	if (a->meta.type == FILES_FILE && !same_content(a, b))
		how |= DIFF_CONTENT;
	return how;
}

/* Whether the path is at or beneath the one that is asked for, or on the way to it. */
static bool is_wanted(const struct diff *d, bool *ret_beneath)
{
	const char *only = d->options->path, *path = str_text(&d->path);
	size_t len = only ? strlen(only) : 0, have = d->path.len;
	*ret_beneath = !len ||
		(have >= len && memcmp(path, only, len) == 0 && (have == len || path[len] == '/'));
	return *ret_beneath || (have < len && memcmp(path, only, have) == 0 && only[have] == '/');
}

static uint64_t size_of(const struct tree_entry *entry)
{
	return entry && entry->meta.type == FILES_FILE ? entry->meta.size : 0;
}

static void tell(struct diff *d, const struct tree_entry *before, const struct tree_entry *after)
{
	struct diff_change change = {.path = str_text(&d->path),
		.path_len = d->path.len,
		.before = before,
		.after = after,
		.how = before && after ? how_of(before, after) : 0};
	if (before && after && !change.how)
		return;
	d->result.added += !before;
	d->result.removed += !after;
	d->result.changed += before && after;
	if (change.how != DIFF_META) {
		d->result.added_bytes += size_of(after);
		d->result.removed_bytes += size_of(before);
	}
	if (d->options->on_change)
		d->options->on_change(d->options->arg, &change);
}

static int diff_folders(struct diff *d, const uint8_t *before, const uint8_t *after);

/* An entry of one or both points, and what is beneath it. */
static int diff_entry(
	struct diff *d, const struct tree_entry *before, const struct tree_entry *after)
{
	const struct tree_entry *either = before ? before : after;
	const uint8_t *a = before ? before->folder : NULL, *b = after ? after->folder : NULL;
	size_t length = d->path.len;
	bool beneath;
	int err = 0;
	if (length)
		str_add(&d->path, "/");
	str_add_bytes(&d->path, either->name, either->name_len);
	if (d->path.failed)
		return -ENOMEM;
	if (is_wanted(d, &beneath)) {
		if (beneath)
			tell(d, before, after);
		if ((a || b) && !(a && b && memcmp(a, b, DIGEST_SIZE) == 0))
			err = diff_folders(d, a, b);
	}
	d->path.len = length;
	d->path.at[length] = '\0';
	return err;
}

static int diff_folders(struct diff *d, const uint8_t *before, const uint8_t *after)
{
	OWN(side_done) struct side a = {0};
	OWN(side_done) struct side b = {0};
	if (d->depth >= TREE_DEPTH_MAX)
		return why_set(d->why, -ELOOP, "more than %d folders deep", TREE_DEPTH_MAX);
	int err = side_begin(d, before, &a);
	if (!err)
		err = side_begin(d, after, &b);
	d->depth++;
	while (!err && (a.have || b.have)) {
		int order = order_of(&a, &b);
		err = diff_entry(d, order <= 0 ? &a.entry : NULL, order >= 0 ? &b.entry : NULL);
		if (!err && order <= 0)
			err = side_next(d, &a);
		if (!err && order >= 0)
			err = side_next(d, &b);
	}
	d->depth--;
	return err;
}

static void diff_done(struct diff *d)
{
	str_done(&d->path);
}

int diff_points(struct repo *repo, const struct point *before, const struct point *after,
	const struct diff_options *options, struct diff_result *ret_result, struct why *why)
{
	OWN(diff_done) struct diff d = {.repo = repo, .options = options, .why = why};
	if (before->source == POINT_IMAGE || after->source == POINT_IMAGE)
		return why_set(why, -ENOTSUP, "an image can only be compared with an image");
	int err = memcmp(before->root.b, after->root.b, DIGEST_SIZE)
		? diff_folders(&d, before->root.b, after->root.b)
		: 0;
	if (!err)
		*ret_result = d.result;
	return err;
}
