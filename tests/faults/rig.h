/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository on a simulated disk, and three ways to save something in it: a folder, an image, a
 * stream. Each try begins on the disk as it was made. For tests only; one thread.
 */
#ifndef EBB_TESTS_FAULTS_RIG_H
#define EBB_TESTS_FAULTS_RIG_H

#include <stdint.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "sim/disk.h"

enum { FILES = 4, RESERVE = 64 << 10 };

/* Bytes that read as a file does. */
struct bytes {
	struct file file;
	uint8_t *at;
	size_t len;
};

struct rig {
	char dir[64];
	size_t len; /* of what is saved; a folder has it in several files */
	struct rng rng;
	struct test_dice dice;
	struct test_clock clock;
	struct files files;
	struct bytes bytes; /* the image, and the stream */
	uint8_t secret[SECRET_SIZE];
	struct sim_disk *base, *disk; /* as it is before each try; what is tried on */
	struct place *place;
	struct repo_world at;
	struct repo_written written; /* by the last save */
	struct why why;
};

typedef int save_fn(struct rig *rig, struct repo *repo);

save_fn save_dir, save_image, save_stream;

/* With one point of each kind, if `filled`; then what is saved has other bytes. */
void rig_begin(struct rig *rig, size_t len, bool filled);
void rig_end(struct rig *rig);

/* The disk as it was made, in the hands of a program that starts. */
void rig_start_again(struct rig *rig);
/* The disk as it is. */
void rig_restart(struct rig *rig);

/* What is saved next has other bytes. */
void rig_change(struct rig *rig);

/* Opens the repository, and saves. */
int rig_save(struct rig *rig, save_fn *how);
struct repo *rig_open(struct rig *rig);

/* A whole verify finds nothing. Tells how many points there are. */
uint64_t rig_verify(struct rig *rig, char *when);

#endif
