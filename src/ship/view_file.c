/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading at any place of a file. The lengths of its chunks stand in the index, so that the chunk
 * of an offset is found without reading those before it. Of a file with list chunks one list is
 * held at a time; where each begins is remembered once it was passed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/image_read.h"
#include "ship/view_inner.h"

struct view_file {
	struct view *view;
	struct view_file *next, **self; /* among the open ones */
	struct tree_entry entry;        /* points into bytes */
	uint8_t *bytes;
	VEC(uint64_t) list_starts;   /* in the data; of the lists met so far */
	VEC(uint64_t) starts;        /* of the chunks of the list at hand, and its end */
	VEC(uint64_t) extent_starts; /* in the data */
	uint8_t *list;               /* digests of the list at hand, when it was read */
	const uint8_t *digests;
	size_t list_number;
	bool have_list;
	struct image_reader *image; /* NULL: it is none */
};

static size_t list_count(const struct view_file *file)
{
	return file->entry.flags & TREE_LISTED ? file->entry.digest_count : 1;
}

/* The lengths of the list's chunks, out of the index. */
static int note_starts(struct view_file *file, size_t count, uint64_t at, struct why *why)
{
	file->starts.len = 0;
	for (size_t i = 0; i < count; i++) {
		struct digest digest;
		size_t len;
		memcpy(digest.b, file->digests + i * DIGEST_SIZE, DIGEST_SIZE);
		if (vec_push(&file->starts, at))
			return -ENOMEM;
		if (!repo_chunk_len(file->view->repo, &digest, &len))
			return why_set(why, -EBADMSG, "no index knows a chunk of it");
		at += len;
	}
	return vec_push(&file->starts, at);
}

static int read_list(struct view_file *file, size_t number, size_t *ret_count, struct why *why)
{
	struct digest digest;
	size_t len;
	free(TAKE(file->list));
	memcpy(digest.b, file->entry.digests + number * DIGEST_SIZE, DIGEST_SIZE);
	int err = repo_chunk(file->view->repo, &digest, CHUNK_LIST, &file->list, &len, why);
	if (err)
		return err;
	file->digests = file->list;
	*ret_count = len / DIGEST_SIZE;
	return 0;
}

/* Brings the list to hand; all before it were met. */
static int load_list(struct view_file *file, size_t number, struct why *why)
{
	size_t count = file->entry.digest_count;
	int err = 0;
	if (file->have_list && file->list_number == number)
		return 0;
	file->have_list = false;
	if (file->entry.flags & TREE_LISTED)
		err = read_list(file, number, &count, why);
	else
		file->digests = file->entry.digests;
	if (!err)
		err = note_starts(file, count, file->list_starts.at[number], why);
	if (!err && file->list_starts.len == number + 1)
		err = vec_push(&file->list_starts, file->starts.at[count]);
	if (err)
		return err;
	file->list_number = number;
	file->have_list = true;
	return 0;
}

/* The last of `starts` that is not after `at`; the first is. */
static size_t last_before(const uint64_t *starts, size_t count, uint64_t at)
{
	size_t low = 0, high = count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (starts[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Brings the list that holds this byte of the data to hand. */
static int find_list(struct view_file *file, uint64_t at, struct why *why)
{
	size_t number = last_before(file->list_starts.at, file->list_starts.len, at);
	for (;; number++) {
		if (number >= list_count(file))
			return why_set(why, -EBADMSG, "its chunks end before it does");
		int err = load_list(file, number, why);
		if (err)
			return err;
		if (at < file->starts.at[file->starts.len - 1])
			return 0;
	}
}

/* Exactly `len` bytes of the data. */
static int read_data(
	struct view_file *file, uint8_t *bytes, size_t len, uint64_t at, struct why *why)
{
	while (len) {
		const uint8_t *chunk;
		struct digest digest;
		size_t chunk_len;
		int err = find_list(file, at, why);
		if (err)
			return err;
		size_t i = last_before(file->starts.at, file->starts.len - 1, at);
		memcpy(digest.b, file->digests + i * DIGEST_SIZE, DIGEST_SIZE);
		err = view_chunk(file->view, &digest, &chunk, &chunk_len, why);
		if (err)
			return err;
		size_t skip = (size_t)(at - file->starts.at[i]);
		if (skip >= chunk_len)
			return why_set(why, -EBADMSG, "a chunk of it has another length");
		size_t n = chunk_len - skip < len ? chunk_len - skip : len;
		memcpy(bytes, chunk + skip, n);
		bytes += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* The first extent that ends behind `at`. They rise. */
static size_t first_extent(const struct view_file *file, uint64_t at)
{
	size_t low = 0, high = file->entry.extent_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (tree_extent_at(&file->entry, middle).to <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Zeros, and over them what the extents say. */
static int read_sparse(
	struct view_file *file, uint8_t *bytes, size_t len, uint64_t at, struct why *why)
{
	memset(bytes, 0, len);
	for (size_t i = first_extent(file, at); i < file->entry.extent_count; i++) {
		struct tree_extent extent = tree_extent_at(&file->entry, i);
		uint64_t from = extent.from > at ? extent.from : at;
		uint64_t to = extent.to < at + len ? extent.to : at + len;
		if (extent.from >= at + len)
			break;
		int err = read_data(file, bytes + (from - at), (size_t)(to - from),
			file->extent_starts.at[i] + (from - extent.from), why);
		if (err)
			return err;
	}
	return 0;
}

ssize_t view_read(struct view_file *file, void *bytes, size_t len, uint64_t at, struct why *why)
{
	uint64_t size = file->entry.meta.size;
	if (at >= size)
		return 0;
	if (len > size - at)
		len = (size_t)(size - at);
	if (file->image) {
		int failed = image_read(file->image, at, bytes, len, why);
		return failed ? failed : (ssize_t)len;
	}
	int err = file->entry.flags & TREE_HOLES ? read_sparse(file, bytes, len, at, why)
						 : read_data(file, bytes, len, at, why);
	return err ? err : (ssize_t)len;
}

/* Run after run, each as long as the map tells at once. */
static int seek_image(
	struct view_file *file, uint64_t at, bool hole, uint64_t *ret_at, struct why *why)
{
	uint64_t size = file->entry.meta.size, end;
	while (at < size) {
		bool is_hole;
		int err = image_extent(file->image, at, size, &end, &is_hole, why);
		if (err)
			return err;
		if (is_hole == hole)
			break;
		at = end;
	}
	if (at >= size && !hole)
		return -ENXIO;
	*ret_at = at;
	return 0;
}

int view_seek(struct view_file *file, uint64_t at, bool hole, uint64_t *ret_at, struct why *why)
{
	uint64_t size = file->entry.meta.size;
	if (at >= size)
		return -ENXIO;
	if (file->image)
		return seek_image(file, at, hole, ret_at, why);
	if (!(file->entry.flags & TREE_HOLES)) {
		*ret_at = hole ? size : at;
		return 0;
	}
	size_t i = first_extent(file, at);
	/* Runs of data may touch: a hole is behind the last of those that do. */
	for (; hole && i < file->entry.extent_count; i++) {
		struct tree_extent extent = tree_extent_at(&file->entry, i);
		if (at < extent.from)
			break;
		at = extent.to;
	}
	if (!hole && i == file->entry.extent_count)
		return -ENXIO;
	uint64_t from = hole ? at : tree_extent_at(&file->entry, i).from;
	*ret_at = from > at ? from : at;
	return 0;
}

/* Where each extent begins in the data. They rise, and lie within the file. */
static int note_extents(struct view_file *file, struct why *why)
{
	uint64_t at = 0, end = 0;
	for (size_t i = 0; i < file->entry.extent_count; i++) {
		struct tree_extent extent = tree_extent_at(&file->entry, i);
		if (extent.from < end || extent.to <= extent.from ||
			extent.to > file->entry.meta.size)
			return why_set(why, -EBADMSG, "its extents are damaged");
		if (vec_push(&file->extent_starts, at))
			return -ENOMEM;
		at += extent.to - extent.from;
		end = extent.to;
	}
	return vec_push(&file->list_starts, (uint64_t)0);
}

void view_close(struct view_file *file)
{
	if (!file)
		return;
	if (file->self)
		*file->self = file->next;
	if (file->next)
		file->next->self = file->self;
	if (file->image)
		image_close(file->image);
	free(file->image);
	free(file->bytes);
	free(file->list);
	vec_done(&file->list_starts);
	vec_done(&file->starts);
	vec_done(&file->extent_starts);
	free(file);
}

static void file_own(struct view_file **file)
{
	view_close(*file);
}

static int open_image(struct view_file *file, struct why *why)
{
	struct digest root;
	memcpy(root.b, file->entry.digests, DIGEST_SIZE);
	file->image = calloc(1, sizeof(*file->image));
	return file->image ? image_open(file->view->repo, &root, file->image, why) : -ENOMEM;
}

int view_open(struct view *view, uint64_t node, struct view_file **ret_file, struct why *why)
{
	const struct tree_entry *entry = view_entry(view, node);
	OWN(file_own) struct view_file *file = NULL;
	if (entry->meta.type != FILES_FILE)
		return entry->meta.type == FILES_FOLDER ? -EISDIR : -EINVAL;
	if (entry->flags & TREE_UNREADABLE)
		return why_set(why, -EIO, "its content could not be read when it was saved");
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->view = view;
	int err = entry_copy(entry, &file->entry, &file->bytes);
	if (!err)
		err = entry->flags & VIEW_IMAGE ? open_image(file, why) : note_extents(file, why);
	if (err)
		return err;
	file->next = view->open;
	file->self = &view->open;
	if (file->next)
		file->next->self = &file->next;
	view->open = file;
	*ret_file = TAKE(file);
	return 0;
}
