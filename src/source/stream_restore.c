/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a point, found by its path, and its chunks in order; holes are written as zeros. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/tree.h"
#include "source/stream.h"

/* The tree that holds the file, and its entry in there. */
struct found {
	struct tree tree;
	struct tree_entry entry;
};

static void found_done(struct found *found)
{
	tree_done(&found->tree);
}

/* The entry of that name in a folder. -ENOENT. */
static int find_name(struct repo *repo, const struct digest *folder, const char *name, size_t len,
	struct found *found, struct why *why)
{
	tree_done(&found->tree);
	int err = tree_load(repo, folder, &found->tree, why), more = 0;
	while (!err && (more = tree_next(&found->tree, &found->entry, why)) == 1)
		if (found->entry.name_len == len && memcmp(found->entry.name, name, len) == 0)
			return 0;
	return err ? err : more ? more : -ENOENT;
}

static int find_path(struct repo *repo, const struct point *point, const char *path,
	struct found *found, struct why *why)
{
	struct digest folder = point->root;
	for (const char *at = path;;) {
		size_t len = strcspn(at, "/");
		int err = find_name(repo, &folder, at, len, found, why);
		if (err)
			return err == -ENOENT
				? why_set(why, err, "%s: no such path in this point", path)
				: err;
		if (!at[len])
			return 0;
		if (!found->entry.folder)
			return why_set(why, -ENOENT, "%s: no such path in this point", path);
		memcpy(folder.b, found->entry.folder, DIGEST_SIZE);
		at += len + 1;
	}
}

/* The only entry of the point. */
static int find_only(
	struct repo *repo, const struct point *point, struct found *found, struct why *why)
{
	struct tree_entry other;
	int err = tree_load(repo, &point->root, &found->tree, why);
	if (!err)
		err = tree_next(&found->tree, &found->entry, why);
	if (err == 1)
		err = tree_next(&found->tree, &other, why);
	else if (!err)
		err = 1;
	return err == 1 ? why_set(why, -ENOENT, "the point holds more than one file: which path?")
			: err;
}

struct out {
	struct repo *repo;
	struct file *to;
	const struct tree_entry *entry;
	uint64_t at;    /* written so far */
	size_t extent;  /* the next one */
	uint64_t until; /* the end of the one that is written */
};

static int write_zeros(struct out *out, uint64_t until, struct why *why)
{
	static const uint8_t zeros[64 << 10];
	while (out->at < until) {
		uint64_t n = until - out->at < sizeof(zeros) ? until - out->at : sizeof(zeros);
		int err = file_write_full(out->to, zeros, (size_t)n, out->at);
		if (err)
			return why_errno(why, err, "writing");
		out->at += n;
	}
	return 0;
}

static int next_extent(struct out *out, struct why *why)
{
	if (out->extent == out->entry->extent_count)
		return why_set(why, -EBADMSG, "its chunks hold more than its extents");
	struct tree_extent extent = tree_extent_at(out->entry, out->extent++);
	if (extent.from < out->at || extent.to <= extent.from || extent.to > out->entry->meta.size)
		return why_set(why, -EBADMSG, "its extents are damaged");
	out->until = extent.to;
	return write_zeros(out, extent.from, why);
}

static int write_bytes(struct out *out, const uint8_t *bytes, size_t len, struct why *why)
{
	while (len) {
		int err = out->at == out->until ? next_extent(out, why) : 0;
		if (err)
			return err;
		size_t n = out->until - out->at < len ? (size_t)(out->until - out->at) : len;
		err = file_write_full(out->to, bytes, n, out->at);
		if (err)
			return why_errno(why, err, "writing");
		out->at += n;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int write_chunks(struct out *out, const uint8_t *digests, size_t count, struct why *why)
{
	for (size_t i = 0; i < count; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		struct digest digest;
		size_t len;
		memcpy(digest.b, digests + i * DIGEST_SIZE, DIGEST_SIZE);
		int err = repo_chunk(out->repo, &digest, CHUNK_CONTENT, &bytes, &len, why);
		if (!err)
			err = write_bytes(out, bytes, len, why);
		if (err)
			return err;
	}
	return 0;
}

static int write_lists(struct out *out, struct why *why)
{
	for (size_t i = 0; i < out->entry->digest_count; i++) {
		OWN(own_free) uint8_t *list = NULL;
		struct digest digest;
		size_t len;
		memcpy(digest.b, out->entry->digests + i * DIGEST_SIZE, DIGEST_SIZE);
		int err = repo_chunk(out->repo, &digest, CHUNK_LIST, &list, &len, why);
		if (!err)
			err = write_chunks(out, list, len / DIGEST_SIZE, why);
		if (err)
			return err;
	}
	return 0;
}

int stream_restore_entry(struct repo *repo, const struct tree_entry *entry, struct file *to,
	uint64_t *ret_bytes, struct why *why)
{
	struct out out = {.repo = repo, .to = to, .entry = entry};
	if (entry->meta.type != FILES_FILE)
		return why_set(why, -EISDIR, "this is no file");
	if (entry->flags & TREE_UNREADABLE)
		return why_set(why, -ENODATA, "its content could not be read when it was saved");
	if (!(entry->flags & TREE_HOLES))
		out.until = entry->meta.size;
	int err = entry->flags & TREE_LISTED
		? write_lists(&out, why)
		: write_chunks(&out, entry->digests, entry->digest_count, why);
	if (!err && entry->flags & TREE_HOLES)
		err = write_zeros(&out, entry->meta.size, why);
	if (!err && out.at != entry->meta.size)
		err = why_set(why, -EBADMSG, "its chunks make %" PRIu64 " bytes, not %" PRIu64,
			out.at, entry->meta.size);
	if (!err)
		*ret_bytes = out.at;
	return err;
}

int stream_restore(struct repo *repo, const struct point *point, const char *path, struct file *to,
	uint64_t *ret_bytes, struct why *why)
{
	OWN(found_done) struct found found = {0};
	int err = path ? find_path(repo, point, path, &found, why)
		       : find_only(repo, point, &found, why);
	return err ? err : stream_restore_entry(repo, &found.entry, to, ret_bytes, why);
}
