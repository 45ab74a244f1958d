/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attack matrix attacks: a repository of about 1 MiB with some of everything in it, at a
 * place in memory whose objects can be spoiled; its copy, its twin (the same keys and points in
 * other objects) and a stranger's. And what everybody asks afterwards: is it noticed, and does a
 * restore give a wrong byte?
 *
 * For tests only; one thread.
 */
#ifndef EBB_TESTS_ATTACK_RIG_H
#define EBB_TESTS_ATTACK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/check.h"
#include "repo/repo.h"
#include "repo/test_mem.h"
#include "ship/verify.h"

enum { POINTS = 16, FILES = 6, FILE_LEN = 18000, IMAGE_LEN = 200000, STATES = 32, PARITY = 3 };

struct image {
	struct file file;
	uint8_t bytes[IMAGE_LEN];
};

struct rig {
	char dir[64], source[80], target[80];
	struct rng rng;
	struct test_dice dice;
	struct test_clock clock;
	struct files files;
	struct mem_place mem, base, twin_mem, other_mem, copy_mem;
	struct mem_place states[STATES]; /* older ones */
	size_t state_count;
	struct repo_world at, twin_at, other_at, copy_at;
	uint8_t secret[SECRET_SIZE], writer[SECRET_SIZE], other_secret[SECRET_SIZE];
	struct repo *repo; /* opened while all was whole */
	uint64_t generation;
	struct point points[POINTS], image_point;
	uint64_t versions[POINTS][FILES];
	struct image image;
	struct why why;
	unsigned troubles;
	struct check_list list;
};

struct count {
	uint64_t tried, detected, healed, opened, restored;
};

extern const char *const rig_files[FILES];

struct rig *rig_begin(void);
void rig_end(struct rig *rig);

/* What is there now becomes one of the older states. */
void rig_keep_state(struct rig *rig);

/* A folder with all that is in it. */
void rig_remove_all(const char *path);

/* The place is again as it was made. */
void rig_put_back(struct rig *rig);

struct repo *rig_open(struct rig *rig, const struct repo_world *at, const uint8_t *secret);

const char *rig_name(const struct check_object *object, char name[OBJECT_NAME]);

/* Opening the repository reads it. */
bool rig_is_root(const struct rig *rig, const struct check_object *object);

/* Fills in the bytes of one version of a file; gives their length. */
size_t rig_content(int file, uint64_t version, uint8_t bytes[FILE_LEN]);

/* To note what a check tells of objects. */
struct states {
	struct rig *rig;
	enum check_state last;
	enum check_state *all; /* beside rig->list; NULL: only the last */
};

bool rig_note_state(void *arg, const struct check_object *object, enum check_state state);

/* The short way: this object alone, by the repository that was opened before. */
enum check_state rig_look(struct rig *rig, const struct check_object *object, bool repair);

/* What a person runs: opens it and verifies all. True: it does not say that all is whole. */
bool rig_noticed(struct rig *rig, struct verify_result *ret_result);

/* The same, telling of every object. False: it did not open. */
bool rig_states(struct rig *rig, enum check_state *ret_all);

/* Counts one try, and whether it was noticed. */
void rig_must_notice(struct rig *rig, const char *what, const char *name, struct count *count);

/*
 * Restores a point and the image, through what is left: never a wrong byte. With `must_be_there`
 * all of it has to come.
 */
void rig_restore(struct rig *rig, int which, bool must_be_there);

#endif
