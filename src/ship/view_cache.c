/* SPDX-License-Identifier: Apache-2.0 */
/* What was read lately: folders and chunks, the least recently used ones dropped first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/view_inner.h"

static void loaded_drop(struct loaded *loaded)
{
	tree_done(&loaded->tree);
	vec_done(&loaded->at);
	loaded->used = 0;
}

static void cached_drop(struct view *view, struct cached *cached)
{
	view->chunk_bytes -= cached->len;
	free(cached->bytes);
	*cached = (struct cached){0};
}

void view_drop_caches(struct view *view)
{
	for (size_t i = 0; i < FOLDERS; i++)
		loaded_drop(&view->folders[i]);
	for (size_t i = 0; i < CHUNKS; i++)
		cached_drop(view, &view->chunks[i]);
}

int loaded_entry(
	const struct loaded *loaded, size_t i, struct tree_entry *ret_entry, struct why *why)
{
	struct tree tree = loaded->tree;
	tree.at = tree.bytes + loaded->at.at[i];
	int more = tree_next(&tree, ret_entry, why);
	return more == 1 ? 0 : more ? more : -EBADMSG;
}

/* Notes where each entry begins; a tree that is damaged anywhere is not used at all. */
static int note_entries(struct loaded *loaded, struct why *why)
{
	struct tree tree = loaded->tree;
	struct tree_entry entry;
	int more;
	for (;;) {
		size_t at = (size_t)(tree.at - tree.bytes);
		more = tree_next(&tree, &entry, why);
		if (more <= 0)
			return more;
		if (vec_push(&loaded->at, at))
			return -ENOMEM;
	}
}

int view_load(struct view *view, const uint8_t *digest, struct loaded **ret_loaded, struct why *why)
{
	struct loaded *oldest = &view->folders[0];
	for (size_t i = 0; i < FOLDERS; i++) {
		struct loaded *loaded = &view->folders[i];
		if (loaded->used && memcmp(loaded->digest.b, digest, DIGEST_SIZE) == 0) {
			loaded->used = ++view->uses;
			*ret_loaded = loaded;
			return 0;
		}
		if (loaded->used < oldest->used)
			oldest = loaded;
	}
	loaded_drop(oldest);
	memcpy(oldest->digest.b, digest, DIGEST_SIZE);
	int err = tree_load(view->repo, &oldest->digest, &oldest->tree, why);
	if (!err)
		err = note_entries(oldest, why);
	if (err) {
		loaded_drop(oldest);
		return err;
	}
	oldest->used = ++view->uses;
	*ret_loaded = oldest;
	return 0;
}

ssize_t loaded_find(const struct loaded *loaded, const char *name, struct why *why)
{
	size_t low = 0, high = loaded->at.len, len = strlen(name);
	while (low < high) {
		struct tree_entry entry;
		size_t middle = low + (high - low) / 2;
		int err = loaded_entry(loaded, middle, &entry, why);
		if (err)
			return err;
		size_t shorter = entry.name_len < len ? entry.name_len : len;
		int order = memcmp(entry.name, name, shorter);
		if (!order)
			order = (entry.name_len > len) - (entry.name_len < len);
		if (!order)
			return (ssize_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

/* A free slot, after room was made for `len` bytes. */
static struct cached *make_room(struct view *view, size_t len)
{
	for (;;) {
		struct cached *oldest = NULL, *unused = NULL;
		for (size_t i = 0; i < CHUNKS; i++) {
			struct cached *cached = &view->chunks[i];
			if (!cached->used)
				unused = cached;
			else if (!oldest || cached->used < oldest->used)
				oldest = cached;
		}
		if (unused && (!oldest || view->chunk_bytes + len <= CHUNK_BYTES))
			return unused;
		cached_drop(view, oldest);
	}
}

int view_chunk(struct view *view, const struct digest *digest, const uint8_t **ret_bytes,
	size_t *ret_len, struct why *why)
{
	struct cached *found = NULL;
	for (size_t i = 0; i < CHUNKS && !found; i++)
		if (view->chunks[i].used &&
			memcmp(view->chunks[i].digest.b, digest->b, DIGEST_SIZE) == 0)
			found = &view->chunks[i];
	if (!found) {
		uint8_t *bytes;
		size_t len;
		int err = repo_chunk(view->repo, digest, CHUNK_CONTENT, &bytes, &len, why);
		if (err)
			return err;
		found = make_room(view, len);
		*found = (struct cached){.digest = *digest, .bytes = bytes, .len = len};
		view->chunk_bytes += len;
	}
	found->used = ++view->uses;
	*ret_bytes = found->bytes;
	*ret_len = found->len;
	return 0;
}
