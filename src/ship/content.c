/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window holds the bytes from the last cut on. It is refilled when less than the longest chunk
 * is left in it, so that a cut never depends on how reads fell.
 */
#include "ship/content.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "os/pace.h"
#include "repo/repo.h"
#include "ship/tree.h"

enum {
	WINDOW = 2 * CUT_MAX,
	DIRECT_MAX = 1024,  /* digests in an entry; a file with more names list chunks */
	LIST_MAX = 8192,    /* digests in a list chunk */
	EXTENTS_MAX = 8192, /* runs of data that an entry tells; short holes are stored beyond */
};

int content_reader_init(struct content_reader *reader, struct repo *repo, const uint8_t cut_key[32])
{
	*reader = (struct content_reader){.repo = repo};
	cutter_init(&reader->cutter, cut_key);
	reader->window = malloc(WINDOW);
	return reader->window ? 0 : -ENOMEM;
}

void content_reader_done(struct content_reader *reader)
{
	free(reader->window);
	reader->window = NULL;
}

void content_done(struct content *content)
{
	vec_done(&content->digests);
	out_done(&content->extents);
}

void content_fill(const struct content *content, struct tree_entry *entry)
{
	entry->digests = (const uint8_t *)content->digests.at;
	entry->digest_count = content->digests.len;
	entry->extents = content->extents.at;
	entry->extent_count = content->extent_count;
	entry->meta.size = content->size;
	if (content->listed)
		entry->flags |= TREE_LISTED;
	/* A file that is nothing but a hole has no extents and still is sparse. */
	if (content->extent_count || (!content->digests.len && content->size))
		entry->flags |= TREE_HOLES;
}

/* One file on its way: where it is read from, and what it came to so far. */
struct stream {
	struct content_reader *reader;
	struct folder *folder;
	struct file *file;
	struct content *content;
	struct why *why;
	size_t have; /* bytes in the window */
	bool ended;  /* the end of the file was met */
};

/* Cuts off what is certain: all of it at the end, else while a longest chunk is left. */
static int cut_window(struct stream *s, bool last)
{
	uint8_t *window = s->reader->window;
	size_t at = 0;
	while (at < s->have && (last || s->have - at >= CUT_MAX)) {
		size_t len = cut_next(&s->reader->cutter, window + at, s->have - at);
		int err = repo_put_content(
			s->reader->repo, window + at, len, &s->content->digests, s->why);
		if (err)
			return err;
		at += len;
	}
	memmove(window, window + at, s->have - at);
	s->have -= at;
	return 0;
}

/* Reads from .. to into the stream of chunks. The end of the file may come before `to`. */
static int store_run(struct stream *s, uint64_t from, uint64_t to)
{
	while (from < to && !s->ended) {
		size_t room = WINDOW - s->have;
		size_t want = to - from < room ? (size_t)(to - from) : room;
		ssize_t n = file_read_at(s->file, s->reader->window + s->have, want, from);
		if (n < 0) {
			why_errno(s->why, (int)n, "reading at byte %" PRIu64, from);
			return CONTENT_UNREADABLE;
		}
		pace_take(s->reader->pace, (size_t)n);
		s->ended = n == 0;
		s->have += (size_t)n;
		from += (uint64_t)n;
		s->reader->read_bytes += (uint64_t)n;
		if (from > s->content->size)
			s->content->size = from;
		if (s->reader->on_read)
			s->reader->on_read(s->reader->arg);
		int err = cut_window(s, false);
		if (err)
			return err;
	}
	return CONTENT_STORED;
}

/* A file without holes is one run up to wherever its end is met. */
static int store_plain(struct stream *s)
{
	return store_run(s, 0, INT64_MAX);
}

/* The next run of data; holes that are not longer than `gap` belong to it. */
static int next_run(
	const struct stream *s, uint64_t at, uint64_t gap, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t from, to, next, next_to;
	int err = folder_data_after(s->folder, s->file, at, &from, &to);
	if (err)
		return err;
	while (gap && !folder_data_after(s->folder, s->file, to, &next, &next_to) &&
		next - to <= gap && next_to > to)
		to = next_to;
	*ret_from = from;
	*ret_to = to;
	return 0;
}

/* Which holes are left out of account so that an entry has room for the runs. */
static uint64_t choose_gap(const struct stream *s)
{
	for (uint64_t gap = 0;; gap = gap ? gap * 16 : 64 << 10) {
		uint64_t at = 0, from;
		size_t count = 0;
		while (count < EXTENTS_MAX && !next_run(s, at, gap, &from, &at))
			count++;
		if (count < EXTENTS_MAX || gap > INT64_MAX / 16)
			return gap;
	}
}

/* Run after run of data; the runs are remembered. */
static int store_sparse(struct stream *s)
{
	const uint64_t gap = choose_gap(s);
	struct content *content = s->content;
	uint64_t at = 0, from, to;
	int err;
	while (!(err = next_run(s, at, gap, &from, &to))) {
		/* One that got more runs since they were counted. */
		if (content->extent_count == EXTENTS_MAX - 1)
			to = INT64_MAX;
		int outcome = store_run(s, from, to);
		if (outcome != CONTENT_STORED)
			return outcome;
		/* A file that shrank meanwhile ends before `to`: what was read counts. */
		to = content->size < to ? content->size : to;
		if (to > from) {
			out_u64(&content->extents, from);
			out_u64(&content->extents, to);
			content->extent_count++;
		}
		at = to;
		if (s->ended)
			break;
	}
	if (content->extents.failed)
		return -ENOMEM;
	if (err && err != -ENXIO) {
		why_errno(s->why, err, "looking for holes");
		return CONTENT_UNREADABLE;
	}
	return CONTENT_STORED;
}

/* Replaces a long row of digests by the digests of list chunks. */
static int store_lists(struct content_reader *reader, struct content *content, struct why *why)
{
	struct digest_list *digests = &content->digests;
	size_t count = (digests->len + LIST_MAX - 1) / LIST_MAX;
	if (digests->len <= DIRECT_MAX)
		return 0;
	if (count > DIRECT_MAX)
		return why_set(why, -EFBIG, "the file is larger than this format holds");
	/* The names of lists take the room of those that they replace. */
	for (size_t i = 0; i < count; i++) {
		size_t left = digests->len - i * LIST_MAX;
		size_t n = left < LIST_MAX ? left : LIST_MAX;
		int err = repo_put_chunk(reader->repo, CHUNK_LIST, digests->at + i * LIST_MAX,
			n * DIGEST_SIZE, &digests->at[i], why);
		if (err)
			return err;
	}
	digests->len = count;
	content->listed = true;
	return 0;
}

/* Whether the file has a hole before its end. Where the file system cannot tell, it has none. */
static bool has_holes(struct folder *folder, struct file *file)
{
	uint64_t size, from, to;
	if (file_size(file, &size) || !size)
		return false;
	int err = folder_data_after(folder, file, 0, &from, &to);
	return err == -ENXIO || (!err && (from > 0 || to < size));
}

static int store_all(struct stream *s, bool sparse)
{
	int outcome = sparse ? store_sparse(s) : store_plain(s);
	if (outcome != CONTENT_STORED)
		return outcome;
	int err = cut_window(s, true);
	/* One that shrank since is as long as what was read of it. */
	uint64_t size = 0;
	if (!err && sparse)
		err = file_size(s->file, &size);
	if (!err && size > s->content->size)
		s->content->size = size;
	return err;
}

int content_store(struct content_reader *reader, struct folder *folder, struct file *file,
	struct content *ret_content, struct why *why)
{
	struct stream s = {reader, folder, file, ret_content, why, 0, false};
	struct why other;
	*ret_content = (struct content){0};
	int outcome = store_all(&s, has_holes(folder, file));
	/* Also after a failure: the crew writes names into our list until then. */
	int err = repo_settle(reader->repo, outcome < 0 ? &other : why);
	if (outcome != CONTENT_STORED)
		return outcome < 0 || !err ? outcome : err;
	return err ? err : store_lists(reader, ret_content, why);
}
