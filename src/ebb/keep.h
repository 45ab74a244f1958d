/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands on a repository share: the place and key that a call names, opened, and the
 * words and exit codes for what can go wrong. No daemon and no state of this machine is needed.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_KEEP_H
#define EBB_EBB_KEEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ebb/limit.h"
#include "ebb/open_place.h"
#include "ebb/twins.h"
#include "os/files.h"
#include "os/linux/disk.h"
#include "repo/repo.h"

struct call;
struct linux_crew;
struct linux_world;
struct memory;
struct point;
struct why;

/* Objects on their way to a place at once, if its streams and the memory for packs allow. */
enum { KEEP_CARRIERS = 4 };

struct keep {
	struct linux_world *lw;
	struct world *world;
	struct linux_crew *crew, *carriers;
	struct limit limit;
	struct open_place place;
	struct files files;
	struct repo_world repo_world;
	struct keep_twins twins;
	struct repo *repo;     /* NULL after keep_begin() alone */
	struct memory *memory; /* of a key that may only write, else NULL */
	struct linux_disk cache;
	bool cache_open;
	const char *where; /* the repository's name, as the call tells it */
	const struct call *call;
	bool catalog_told;  /* that there is none: once is enough */
	bool without_index; /* set before keep_open(): open it also when indexes are damaged */
};

/* Opens what the call names, all but the repository itself. `make`: also a folder that is new. */
int keep_begin(const struct call *call, bool make, struct keep *ret_keep);

/* The same, and the repository with its key. An exit code; failures were told. */
int keep_open(const struct call *call, struct keep *ret_keep);

/* For OWN(). */
void keep_done(struct keep *keep);

/* Another repository that the same key opens: a second copy. An exit code; failures were told. */
struct keep_other {
	struct open_place place;
	struct repo *repo;
};
int keep_open_other(struct keep *keep, const char *url, struct keep_other *ret_other);
void keep_other_done(struct keep_other *other);

struct inbox_result;

/*
 * Takes in what write-only keys brought; refusals are told. WAL that came so becomes one point of
 * its archive again. An exit code.
 */
int adopt_inbox(struct keep *keep, struct inbox_result *ret_result);

/* The same when something waits there; that it cannot be taken in is told. Whether it was. */
bool adopt_waiting(struct keep *keep);

/* Tells a failure of the repository and returns its exit code. */
int keep_fail(const struct keep *keep, int err, const struct why *why);

/*
 * A point by name: "latest", the first digits of its id, RESOURCE@latest, or RESOURCE@MOMENT for
 * the newest one that is not after it. RESOURCE is a whole resource or its last components.
 * EXIT_NO_OBJECT: none, or several.
 */
int keep_find_point(struct keep *keep, const char *name, struct point *ret_point);

/* A path as an absolute one, without a slash at its end. False: it is too long. */
enum { KEEP_PATH = 1024 };
bool keep_absolute(const struct call *call, const char *path, char absolute[KEEP_PATH]);

/* Tells what went wrong with one entry; of a path that is too long only its end. */
void keep_say_trouble(const char *path, const char *what);

/* A point as JSON. */
json_t *keep_point_json(const struct point *point);

#endif
