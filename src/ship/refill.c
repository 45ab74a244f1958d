/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of files. A queue of them is looked through by a scout, which goes ahead over their
 * chunks and has the crew read those that the target does not have already; behind it files are
 * written one after the other.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/codec.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/ahead.h"
#include "repo/repo.h"
#include "ship/restore_inner.h"

/* ---- where bytes belong ---- */

/* The next piece of at most `want` bytes: its place, and how many. 0: the file has no room for it.
 */
static size_t run_piece(struct run *run, size_t want, uint64_t *ret_at)
{
	const struct tree_entry *entry = run->entry;
	if (!(entry->flags & TREE_HOLES)) {
		run->until = entry->meta.size;
	} else if (run->at == run->until) {
		if (run->extent == entry->extent_count)
			return 0;
		struct tree_extent extent = tree_extent_at(entry, run->extent++);
		if (extent.from >= extent.to || extent.to > entry->meta.size)
			return 0;
		run->at = extent.from;
		run->until = extent.to;
	}
	size_t n = run->until - run->at < want ? (size_t)(run->until - run->at) : want;
	*ret_at = run->at;
	run->at += n;
	return n;
}

static int run_write(struct run *run, struct pour *pour, const uint8_t *bytes, size_t len)
{
	while (len) {
		uint64_t at;
		size_t n = run_piece(run, len, &at);
		if (!n)
			return -EBADMSG;
		int err = pour_write(pour, bytes, n, at);
		if (err)
			return err;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int run_read(struct run *run, struct file *file, uint8_t *bytes, size_t len)
{
	while (len) {
		uint64_t at;
		size_t n = run_piece(run, len, &at);
		if (!n)
			return -EBADMSG;
		int err = file_read_full(file, bytes, n, at);
		if (err)
			return err;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* All bytes were given: a file without holes ends at its size, one with them at its last extent. */
static bool run_ended(const struct run *run)
{
	if (run->entry->flags & TREE_HOLES)
		return run->at == run->until && run->extent == run->entry->extent_count;
	return run->at == run->entry->meta.size;
}

/* ---- which chunks ---- */

/* The next chunk of a file, through its lists: 1, 0 at the end, an error. */
static int next_digest(
	struct restore *r, struct job *job, struct digest *ret_digest, struct why *why)
{
	const struct tree_entry *entry = &job->entry;
	if (!(entry->flags & TREE_LISTED)) {
		if (job->next == entry->digest_count)
			return 0;
		memcpy(ret_digest->b, entry->digests + job->next++ * DIGEST_SIZE, DIGEST_SIZE);
		return 1;
	}
	while (job->list_at + DIGEST_SIZE > job->list_len) {
		struct digest list;
		if (job->next == entry->digest_count)
			return 0;
		memcpy(list.b, entry->digests + job->next++ * DIGEST_SIZE, DIGEST_SIZE);
		free(TAKE(job->list));
		job->list_at = job->list_len = 0;
		int err = repo_chunk(r->repo, &list, CHUNK_LIST, &job->list, &job->list_len, why);
		if (err)
			return err;
	}
	memcpy(ret_digest->b, job->list + job->list_at, DIGEST_SIZE);
	job->list_at += DIGEST_SIZE;
	return 1;
}

static void rewind_job(struct job *job)
{
	free(TAKE(job->list));
	job->list_len = job->list_at = job->next = 0;
	job->scout = (struct run){.entry = &job->entry};
}

/* ---- what the target has ---- */

/* Reads the chunk's bytes from the target's own file. False: they are others. */
static bool read_local(struct restore *r, struct run *run, struct file *old,
	const struct digest *digest, size_t *ret_len)
{
	struct digest found;
	size_t len;
	if (!repo_chunk_len(r->repo, digest, &len) || len > CONTENT_MAX)
		return false;
	if (!r->buffer && !(r->buffer = malloc(CONTENT_MAX)))
		return false;
	*ret_len = len;
	return !run_read(run, old, r->buffer, len) &&
		!repo_digest(r->repo, CHUNK_CONTENT, r->buffer, len, &found) &&
		digest_equal(&found, digest);
}

static bool note_xattr(void *arg, const char *name, const void *value, size_t len)
{
	tree_put_xattr(arg, name, value, len);
	return true;
}

static bool same_xattrs(const struct job *job)
{
	OWN(out_done) struct fields_out now = {0};
	return !folder_xattrs(job->spot->folder, job->name, note_xattr, &now) && !now.failed &&
		now.len == job->entry.xattrs_len &&
		(!now.len || memcmp(now.at, job->entry.xattrs, now.len) == 0);
}

bool refill_same(struct restore *r, const struct job *job)
{
	struct job look = *job;
	struct files_meta meta;
	struct digest digest;
	struct why why;
	size_t len;
	int more;
	if (!job->old || job->entry.flags & TREE_HOLES ||
		folder_meta(job->spot->folder, job->name, &meta) || meta.type != FILES_FILE ||
		meta.size != job->entry.meta.size || meta.links != 1)
		return false;
	look.list = NULL;
	rewind_job(&look);
	while ((more = next_digest(r, &look, &digest, &why)) == 1)
		if (!read_local(r, &look.scout, job->old, &digest, &len))
			break;
	bool same = more == 0 && run_ended(&look.scout);
	free(look.list);
	return same && same_xattrs(job);
}

/* ---- the scout ---- */

/* One chunk further. False: this file is done with. */
static bool scout_chunk(struct restore *r, struct job *job)
{
	struct digest digest;
	struct why why;
	size_t len;
	int more = next_digest(r, job, &digest, &why);
	if (more != 1) {
		job->scout_err = more;
		job->scouted = true;
		free(TAKE(job->list));
		return false;
	}
	job->wanted++;
	struct run before = job->scout;
	if (job->old && read_local(r, &job->scout, job->old, &digest, &len)) {
		ahead_pass(r->ahead, &digest);
		return true;
	}
	/* Where the next one lies is known also when this one is another. */
	job->scout = before;
	if (job->old && repo_chunk_len(r->repo, &digest, &len)) {
		uint64_t at;
		for (size_t n; len && (n = run_piece(&job->scout, len, &at)); len -= n)
			;
	}
	ahead_want(r->ahead, &digest);
	return true;
}

static struct job *queued(struct restore *r, unsigned i)
{
	return r->queue[(r->queue_first + i) % QUEUE];
}

static void scout(struct restore *r)
{
	while (r->scout_at < r->queue_count && !ahead_full(r->ahead)) {
		struct job *job = queued(r, r->scout_at);
		if (job->kind != JOB_FILE || job->scouted || !scout_chunk(r, job))
			r->scout_at++;
	}
}

/* ---- writing ---- */

/*
 * The bytes of the chunk that comes next, until the scout goes on; for one that was passed, from
 * the target's file.
 */
static int take_chunk(struct restore *r, struct job *job, const struct run *run,
	struct ahead_chunk *ret_chunk, struct why *why)
{
	struct run local = *run;
	int err = ahead_take(r->ahead, ret_chunk, why);
	job->taken++;
	if (err || ret_chunk->bytes)
		return err;
	if (read_local(r, &local, job->old, &ret_chunk->digest, &ret_chunk->len)) {
		ret_chunk->bytes = r->buffer;
		return 0;
	}
	free(TAKE(r->fetched));
	err = repo_chunk(
		r->repo, &ret_chunk->digest, CHUNK_CONTENT, &r->fetched, &ret_chunk->len, why);
	ret_chunk->bytes = r->fetched;
	return err;
}

static int write_chunks(struct restore *r, struct job *job, struct why *why)
{
	struct run run = {.entry = &job->entry};
	for (;;) {
		struct ahead_chunk chunk = {.bytes = NULL};
		scout(r);
		if (job->taken == job->wanted)
			break;
		int err = take_chunk(r, job, &run, &chunk, why);
		if (!err) {
			err = run_write(&run, &r->pour, chunk.bytes, chunk.len);
			if (err)
				why_errno(why, err, "writing");
		}
		if (err)
			return err;
		r->result.bytes += chunk.len;
		if (r->options->on_progress)
			r->options->on_progress(r->options->arg, &r->result, job->path);
	}
	if (job->scout_err)
		return why_set(why, job->scout_err, "its list of chunks cannot be read");
	if (!run_ended(&run))
		return why_set(why, -EBADMSG, "its chunks make another length");
	return 0;
}

/* All that `write` gives, in the file. */
static int pour_all(struct restore *r, struct job *job, struct file *file,
	int write(struct restore *, struct job *, struct why *), struct why *why)
{
	pour_begin(&r->pour, file, job->entry.meta.size);
	int err = write(r, job, why);
	int last = pour_end(&r->pour);
	if (!err && last)
		err = why_errno(why, last, "writing");
	return err;
}

/* Takes out of the row what a file that failed had in it. */
static void drop_rest(struct restore *r, struct job *job)
{
	struct ahead_chunk chunk;
	job->scouted = true;
	for (; job->taken < job->wanted; job->taken++)
		ahead_take(r->ahead, &chunk, NULL);
}

static int finish_file(struct restore *r, struct job *job, struct file *file, struct why *why)
{
	char name[TEMPORARY_NAME];
	/* The size also gives a hole at the end its length. */
	int err = file_truncate(file, job->entry.meta.size);
	if (err)
		return why_errno(why, err, "setting its size");
	restore_attributes(r, job, temporary_name(job->number, name));
	if (job->spot->elsewhere)
		err = file_sync(file);
	return err ? why_errno(why, err, "making it durable") : 0;
}

static int write_file(struct restore *r, struct job *job, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	char name[TEMPORARY_NAME];
	int err = folder_make_file(job->spot->folder, temporary_name(job->number, name), &file);
	if (err)
		why_errno(why, err, "creating");
	else
		err = pour_all(r, job, file, write_chunks, why);
	drop_rest(r, job);
	file_close(TAKE(job->old));
	return err ? err : finish_file(r, job, file, why);
}

/* The oldest job leaves the queue: written and on to its batch, or told and gone. */
static int run_one(struct restore *r, struct why *why)
{
	struct job *job = queued(r, 0);
	struct why own = {""};
	char name[TEMPORARY_NAME];
	int err = job->kind == JOB_FILE ? write_file(r, job, &own) : 0;
	r->queue_first = (r->queue_first + 1) % QUEUE;
	r->queue_count--;
	r->scout_at -= r->scout_at > 0;
	if (!err)
		return land_add(r, job, why);
	folder_remove(job->spot->folder, temporary_name(job->number, name), false);
	restore_trouble(r, job->path, own.text[0] ? own.text : "no memory");
	job_free(job);
	return 0;
}

int refill_add(struct restore *r, struct job *job, struct why *why)
{
	int err = 0;
	if (!r->ahead)
		err = ahead_new(r->repo, &r->ahead);
	if (!err && r->queue_count == QUEUE)
		err = run_one(r, why);
	if (err) {
		job_free(job);
		return err;
	}
	r->queue[(r->queue_first + r->queue_count++) % QUEUE] = job;
	scout(r);
	return 0;
}

int refill_finish(struct restore *r, struct why *why)
{
	int err = 0;
	while (!err && r->queue_count)
		err = run_one(r, why);
	return err;
}

static int write_alone(struct restore *r, struct job *job, struct why *why)
{
	struct run run = {.entry = &job->entry};
	struct digest digest;
	int more;
	rewind_job(job);
	while ((more = next_digest(r, job, &digest, why)) == 1) {
		OWN(own_free) uint8_t *bytes = NULL;
		size_t len;
		int err = repo_chunk(r->repo, &digest, CHUNK_CONTENT, &bytes, &len, why);
		if (!err)
			err = run_write(&run, &r->pour, bytes, len);
		if (err)
			return err;
		r->result.bytes += len;
	}
	if (!more && !run_ended(&run))
		more = why_set(why, -EBADMSG, "its chunks make another length");
	return more;
}

int refill_alone(struct restore *r, struct job *job, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	char name[TEMPORARY_NAME];
	if (job->entry.meta.type != FILES_FILE)
		return why_set(why, -ENOENT, "the name that it is linked to is not there");
	int err = folder_make_file(job->spot->folder, temporary_name(job->number, name), &file);
	if (err)
		return why_errno(why, err, "creating");
	err = pour_all(r, job, file, write_alone, why);
	if (!err)
		err = finish_file(r, job, file, why);
	if (!err && !job->spot->elsewhere) {
		err = file_sync(file);
		if (err)
			why_errno(why, err, "making it durable");
	}
	return err;
}

void refill_done(struct restore *r)
{
	ahead_free(r->ahead);
	for (; r->queue_count; r->queue_count--) {
		job_free(queued(r, 0));
		r->queue_first = (r->queue_first + 1) % QUEUE;
	}
	free(r->buffer);
	free(r->fetched);
	pour_done(&r->pour);
}
