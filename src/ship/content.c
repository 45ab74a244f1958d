/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read goes where it is named and compressed, in steps that the cache holds while they are
 * looked through for a cut. Only what a step has read beyond the cut is copied, to the next room.
 */
#include "ship/content.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "os/pace.h"
#include "repo/repo.h"
#include "ship/tree.h"

enum {
	STEP = 128 << 10,   /* of reading */
	DIRECT_MAX = 1024,  /* digests in an entry; a file with more names list chunks */
	LIST_MAX = 8192,    /* digests in a list chunk */
	EXTENTS_MAX = 8192, /* runs of data that an entry tells; short holes are stored beyond */
};

void content_reader_init(
	struct content_reader *reader, struct repo *repo, const uint8_t cut_key[32])
{
	*reader = (struct content_reader){.repo = repo};
	cutter_init(&reader->cutter, cut_key);
}

void content_reader_done(struct content_reader *reader)
{
	if (reader->room)
		repo_room_back(reader->repo, TAKE(reader->room));
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
	size_t have; /* bytes in the room */
	struct cut_state cut;
	bool ended; /* the end of the file was met */
};

/* Stores the first `len` bytes of what is in the room. What is behind them begins the next chunk.
 */
static int store_chunk(struct stream *s, size_t len)
{
	struct content_reader *reader = s->reader;
	const size_t left = s->have - len;
	uint8_t *next = NULL;
	if (left) {
		int err = repo_room(reader->repo, CUT_MAX, &next, s->why);
		if (err)
			return err;
		memcpy(next, reader->room + len, left);
	}
	s->have = left;
	s->cut = (struct cut_state){0};
	int err = repo_put_content(reader->repo, &reader->room, len, &s->content->digests, s->why);
	if (!next)
		return err;
	if (reader->room)
		repo_room_back(reader->repo, reader->room);
	reader->room = next;
	return err;
}

/* Cuts off what is certain: all of it at the end. */
static int cut_room(struct stream *s, bool last)
{
	while (s->have) {
		struct content_reader *reader = s->reader;
		size_t len = cut_more(&reader->cutter, &s->cut, reader->room, s->have);
		if (!len && !last)
			break;
		int err = store_chunk(s, len ? len : s->have);
		if (err)
			return err;
	}
	return 0;
}

/* Reads from .. to into the stream of chunks. The end of the file may come before `to`. */
static int store_run(struct stream *s, uint64_t from, uint64_t to)
{
	while (from < to && !s->ended) {
		size_t room = CUT_MAX - s->have < STEP ? CUT_MAX - s->have : STEP;
		size_t want = to - from < room ? (size_t)(to - from) : room;
		if (!s->reader->room) {
			int err = repo_room(s->reader->repo, CUT_MAX, &s->reader->room, s->why);
			if (err)
				return err;
		}
		ssize_t n = file_read_at(s->file, s->reader->room + s->have, want, from);
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
		int err = cut_room(s, false);
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
	int err = cut_room(s, true);
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
	struct stream s = {reader, folder, file, ret_content, why, 0, {0}, false};
	struct why other;
	*ret_content = (struct content){0};
	int outcome = store_all(&s, has_holes(folder, file));
	/* Also after a failure: the crew writes names into our list until then. */
	int err = repo_settle(reader->repo, outcome < 0 ? &other : why);
	if (outcome != CONTENT_STORED)
		return outcome < 0 || !err ? outcome : err;
	return err ? err : store_lists(reader, ret_content, why);
}
