/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a restore share. An entry becomes a job; jobs wait in a queue while the crew
 * reads their chunks (refill.c), then under a temporary name until a batch of them is durable, and
 * only then get their names (land.c).
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_RESTORE_INNER_H
#define EBB_SHIP_RESTORE_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "os/files.h"
#include "ship/pour.h"
#include "ship/restore.h"
#include "ship/tree.h"

struct ahead;
struct file;

/* A folder of the target, open as long as something waits in it. */
struct spot {
	struct folder *folder;
	unsigned refs;
	bool fresh;     /* made by us: nothing else is in it */
	bool elsewhere; /* on another file system than the target's root */
};

/* Where in the file the next bytes of its content belong: through the extents, if it has any. */
struct run {
	const struct tree_entry *entry;
	size_t extent;
	uint64_t at, until;
};

enum job_kind {
	JOB_FILE,   /* content */
	JOB_LINK,   /* another name of a file that came before */
	JOB_FOLDER, /* attributes of a folder, behind all that is in it */
};

struct job {
	enum job_kind kind;
	struct spot *spot; /* the folder that it is in */
	char *path;        /* below the root; its last component is the name */
	const char *name;
	uint8_t *bytes; /* what `entry` points at */
	struct tree_entry entry;
	const char *first; /* JOB_LINK: the path of the first name; borrowed */
	uint32_t number;   /* of the temporary name */
	struct file *old;  /* what the target has under that name: what is right is not fetched */
	/* refill.c: what was looked for so far */
	uint8_t *list;
	size_t list_len, list_at, next;
	struct run scout;
	size_t wanted, taken;
	bool scouted; /* all of it is wanted */
	int scout_err;
};

enum { QUEUE = 64, BATCH = 256 };

struct restore {
	struct repo *repo;
	const struct restore_options *options;
	struct restore_result result;
	struct folder *root;
	uint64_t device; /* of the root */
	struct str path;
	struct map linked; /* "device:inode" -> path of the first name */
	char target[FILES_LINK_MAX];
	int depth;
	bool found; /* `only` was met */
	int fatal;  /* the restore cannot go on */
	uint32_t next_number;
	struct ahead *ahead;
	struct job *queue[QUEUE]; /* a ring */
	unsigned queue_first, queue_count, scout_at;
	struct job *batch[BATCH];
	unsigned batch_count;
	uint64_t batch_bytes;
	struct pour pour;
	uint8_t *buffer;  /* for what the target has already */
	uint8_t *fetched; /* a chunk that the target had and has no more */
};

/* ---- restore.c ---- */

/* An entry that is not there, or not as it was: told and counted. */
void restore_trouble(struct restore *r, const char *path, const char *what);

/* Owner, mode, times and attributes of a name. What cannot be set is told; the content is right. */
void restore_attributes(struct restore *r, const struct job *job, const char *name);

/* ---- refill.c ---- */

/* Takes the job. Negative errno when the restore cannot go on. */
int refill_add(struct restore *r, struct job *job, struct why *why);

/* Whether the target's file is what the entry says, content and attributes that a sum tells. */
bool refill_same(struct restore *r, const struct job *job);

/* Empties the queue into batches. */
int refill_finish(struct restore *r, struct why *why);

/* The content of one job without reading ahead, under its temporary name and durable. */
int refill_alone(struct restore *r, struct job *job, struct why *why);
void refill_done(struct restore *r);

/* ---- land.c ---- */

/* Gives a spot with one reference; takes the folder. NULL: no memory. */
struct spot *spot_new(struct folder *folder);
void spot_ref(struct spot *spot);
void spot_unref(struct spot *spot);

/* Gives a job with a copy of the entry. NULL: no memory. */
struct job *job_new(struct restore *r, struct spot *spot, const struct tree_entry *entry);
void job_free(struct job *job);

enum { TEMPORARY_NAME = 32 };
const char *temporary_name(uint32_t number, char name[TEMPORARY_NAME]);
bool is_temporary(const char *name);

/* Takes the job, which lies under its temporary name. A full batch lands. */
int land_add(struct restore *r, struct job *job, struct why *why);

/* Makes the batch durable and gives it its names. */
int land_batch(struct restore *r, struct why *why);
void land_done(struct restore *r);

/* ---- sweep.c ---- */

/*
 * A folder that was there before: what a killed restore left under temporary names goes, and where
 * the options say so, what the tree does not have.
 */
int sweep_folder(struct restore *r, struct spot *spot, const struct tree *tree, struct why *why);

/* Removes what is in the way of an entry of another type, if the options allow it. */
void sweep_name(
	struct restore *r, struct folder *folder, const struct tree_entry *entry, const char *name);

#endif
