/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From temporary names to final ones, a batch at a time: one call makes all files of a batch
 * durable, where a call for each would cost a commit of the file system's journal for each.
 *
 * Within a batch names come in the order of the jobs: a link after the file that it links to, a
 * folder's times after the names in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "ship/restore_inner.h"

/* A batch lands at so many bytes: what a disk writes in a second or less. */
enum { BATCH_BYTES = 64 << 20 };

static const char prefix[] = ".ebb-restore-";

enum { DIGITS = 8 };

const char *temporary_name(uint32_t number, char name[TEMPORARY_NAME])
{
	snprintf(name, TEMPORARY_NAME, "%s%08x", prefix, number);
	return name;
}

bool is_temporary(const char *name)
{
	size_t len = sizeof(prefix) - 1;
	return strncmp(name, prefix, len) == 0 && strlen(name) == len + DIGITS &&
		strspn(name + len, "0123456789abcdef") == DIGITS;
}

/* ---- spots and jobs ---- */

struct spot *spot_new(struct folder *folder)
{
	struct spot *spot = calloc(1, sizeof(*spot));
	if (!spot) {
		folder_close(folder);
		return NULL;
	}
	spot->folder = folder;
	spot->refs = 1;
	return spot;
}

void spot_ref(struct spot *spot)
{
	spot->refs++;
}

void spot_unref(struct spot *spot)
{
	if (spot && --spot->refs == 0) {
		folder_close(spot->folder);
		free(spot);
	}
}

/* Moves what a pointer shows into `to`, and the pointer with it. */
static uint8_t *keep(uint8_t *to, const void *pointer_to_pointer, size_t len)
{
	const void **pointer = (const void **)(uintptr_t)pointer_to_pointer;
	if (!*pointer || !len)
		return to;
	memcpy(to, *pointer, len);
	*pointer = to;
	return to + len;
}

struct job *job_new(struct restore *r, struct spot *spot, const struct tree_entry *entry)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	struct tree_entry *e = &job->entry;
	*e = *entry;
	size_t extents = e->extent_count * 16, digests = e->digest_count * DIGEST_SIZE;
	job->bytes = malloc(e->target_len + digests + extents + e->xattrs_len + 1);
	job->path = strdup(str_text(&r->path));
	if (!job->bytes || !job->path) {
		job_free(job);
		return NULL;
	}
	uint8_t *to = keep(job->bytes, &e->target, e->target_len);
	to = keep(to, &e->digests, digests);
	to = keep(to, &e->extents, extents);
	keep(to, &e->xattrs, e->xattrs_len);
	e->folder = NULL;
	const char *slash = strrchr(job->path, '/');
	job->name = slash ? slash + 1 : job->path;
	e->name = job->name;
	job->spot = spot;
	spot_ref(spot);
	job->number = r->next_number++;
	job->scout.entry = e;
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	file_close(job->old);
	spot_unref(job->spot);
	free(job->list);
	free(job->bytes);
	free(job->path);
	free(job);
}

/* ---- landing ---- */

/* Opens the folder that holds the root's path `path`, and tells the last component. */
static int open_parent(
	struct restore *r, const char *path, struct folder **ret_folder, const char **ret_last)
{
	OWN(own_free) char *copy = strdup(path);
	struct folder *folder;
	if (!copy)
		return -ENOMEM;
	int err = folder_enter(r->root, ".", &folder);
	char *at = copy;
	for (char *slash; !err && (slash = strchr(at, '/')); at = slash + 1) {
		struct folder *inner;
		*slash = '\0';
		err = folder_enter(folder, at, &inner);
		folder_close(folder);
		folder = err ? NULL : inner;
	}
	if (err)
		return err;
	*ret_folder = folder;
	*ret_last = path + (at - copy);
	return 0;
}

static int link_first(struct restore *r, const struct job *job, const char *temporary)
{
	OWN(folder_close_own) struct folder *parent = NULL;
	const char *last;
	int err = open_parent(r, job->first, &parent, &last);
	return err ? err : folder_hard_link(parent, last, job->spot->folder, temporary);
}

/* A first name that failed leaves the others to be restored by themselves. */
static int make_link(struct restore *r, struct job *job, const char *temporary, struct why *why)
{
	if (!link_first(r, job, temporary))
		return 0;
	return refill_alone(r, job, why);
}

static void land_one(struct restore *r, struct job *job)
{
	char temporary[TEMPORARY_NAME];
	struct folder *folder = job->spot->folder;
	struct why why = {""};
	int err = 0;
	if (job->kind == JOB_FOLDER) {
		restore_attributes(r, job, job->name);
		return;
	}
	temporary_name(job->number, temporary);
	if (job->kind == JOB_LINK)
		err = make_link(r, job, temporary, &why);
	if (!err) {
		err = folder_rename(folder, temporary, job->name);
		if (err)
			why_errno(&why, err, "naming it");
	}
	/* Also when two names of one file were linked already: rename(2) then leaves both. */
	if (err || job->kind == JOB_LINK)
		folder_remove(folder, temporary, false);
	if (!err && job->spot->elsewhere)
		err = folder_sync(folder);
	if (job->spot->elsewhere)
		err = folder_sync(folder);
	if (err)
		restore_trouble(r, job->path, why.text[0] ? why.text : "no memory");
}

static void forget_batch(struct restore *r)
{
	for (unsigned i = 0; i < r->batch_count; i++)
		job_free(r->batch[i]);
	r->batch_count = 0;
	r->batch_bytes = 0;
}

int land_batch(struct restore *r, struct why *why)
{
	if (!r->batch_count)
		return 0;
	/* Once: what a second call says after a failure is worth nothing. */
	int err = r->batch_bytes ? folder_sync_all(r->root) : 0;
	if (err) {
		land_done(r);
		return why_errno(why, err, "making restored files durable");
	}
	for (unsigned i = 0; i < r->batch_count; i++)
		land_one(r, r->batch[i]);
	forget_batch(r);
	return 0;
}

int land_add(struct restore *r, struct job *job, struct why *why)
{
	r->batch[r->batch_count++] = job;
	if (job->kind == JOB_FILE)
		r->batch_bytes += job->entry.meta.size + 1; /* an empty one counts too */
	if (r->batch_count == BATCH || r->batch_bytes >= BATCH_BYTES)
		return land_batch(r, why);
	return 0;
}

void land_done(struct restore *r)
{
	char temporary[TEMPORARY_NAME];
	for (unsigned i = 0; i < r->batch_count; i++)
		if (r->batch[i]->kind == JOB_FILE)
			folder_remove(r->batch[i]->spot->folder,
				temporary_name(r->batch[i]->number, temporary), false);
	forget_batch(r);
}
